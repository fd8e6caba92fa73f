"""Renders calls as TwiML and writes texts. Pure functions."""
