"""Calls: their journey, their lines, and the TwiML that is performed on them."""
