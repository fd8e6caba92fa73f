"""Use cases: one class an aggregate; each runs pure rules of `gateway.domain` through the store."""
