"""The journeys of a person's record: who they are, which phones prove it, app passwords, visits to the hosted pages."""
