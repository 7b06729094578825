"""When digests are due, what they say, and when a watched number is an incident."""
