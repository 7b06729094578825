"""Erases, exports and removes what may not be kept."""
