"""The hosted pages that people see: their models, their words and how they look."""
