"""What reports count with: ranges of time, shares, campaigns and touches."""
