"""Digests, alerts, what alerts found, and what is to be sent."""
