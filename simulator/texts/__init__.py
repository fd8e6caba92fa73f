"""Texts: carried to handsets, and back to the application."""
