"""The stores: one port, one adapter for each database."""
