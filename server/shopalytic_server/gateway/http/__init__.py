"""HTTP itself: connections, answers, cross-origin rules and traces."""
