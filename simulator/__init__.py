"""A simulated phone network: the provider's side of the wire, for development and tests without an account.

It answers the provider's REST API, interprets TwiML on calls, signs and sends the callbacks, and shows handsets. It
imports nothing of the gateway, so whatever works against it works over HTTP alone.
"""
