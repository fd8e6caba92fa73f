"""The rules. Pure: no I/O, no clock, no randomness; every input is a function from old state to new."""
