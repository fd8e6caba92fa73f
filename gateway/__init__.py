"""Decides: the service itself, from its doors to its database."""
