"""Keys, hashes and secrets: how they are generated, encrypted and compared."""
