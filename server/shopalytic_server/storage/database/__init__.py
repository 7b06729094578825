"""The database itself: connections, statements and snapshots."""
