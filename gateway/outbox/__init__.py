"""Sends each entry of the outbox once: claims it in the store, hands it to a provider, and asks for its outcome."""
