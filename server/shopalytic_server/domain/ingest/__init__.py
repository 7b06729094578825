"""From an event as it was sent to a prepared one, and its verdict: checks, robots, what cannot be read."""
