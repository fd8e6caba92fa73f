"""Sends what is in the outbox, once: an entry is claimed in the store, handed to a provider, and asked about."""
