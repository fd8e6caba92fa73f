"""The stores: one class an aggregate, over one engine for each database."""
