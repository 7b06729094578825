"""From a caller's values to an event that keeps the contract."""
