"""Stored events for whoever watches."""
