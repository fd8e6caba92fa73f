"""What the provider tells us: proven, parsed into events, and handed to a listener."""
