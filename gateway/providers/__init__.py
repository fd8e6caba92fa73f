"""The APIs that we send through, one folder or module a provider, each a `gateway.providers.base.Provider`."""
