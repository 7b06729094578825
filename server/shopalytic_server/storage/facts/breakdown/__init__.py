"""Dimensions: what filters and breakdowns name, and how it becomes SQL."""
