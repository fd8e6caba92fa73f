"""Calls: their life, their lines, and the TwiML that they run."""
