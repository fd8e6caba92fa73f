"""Twilio: its REST API, its status words, its error codes, and its lists of what it sent."""
