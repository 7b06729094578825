"""The schema: migrations, and the monthly partitions of events."""
