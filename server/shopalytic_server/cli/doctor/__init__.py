"""`shopalytic doctor` and its checks."""
