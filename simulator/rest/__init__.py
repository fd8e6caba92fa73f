"""The provider's REST API."""
