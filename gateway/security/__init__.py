"""Keys, hashes and secrets: how they are made, sealed and compared."""
