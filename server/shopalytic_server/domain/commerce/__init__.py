"""Orders, refunds and exact money."""
