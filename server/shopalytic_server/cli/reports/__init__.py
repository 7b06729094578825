"""`shopalytic report`, a command per report."""
