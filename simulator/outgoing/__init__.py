"""The requests that the provider itself makes to the application."""
