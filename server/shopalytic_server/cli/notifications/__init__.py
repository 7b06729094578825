"""Commands of digests and alerts."""
