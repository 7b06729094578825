"""Stores events in groups, and decides what depends on what is stored."""
