"""The provider's callbacks: verified, parsed into events, and handed to a listener."""
