"""Commands that run the service or open it."""
