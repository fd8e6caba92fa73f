"""The carriers' APIs that we send through, one module each behind the port `Provider`."""
