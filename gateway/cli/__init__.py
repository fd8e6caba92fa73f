"""The terminal: one file per command, each with `run`, and what they share."""
