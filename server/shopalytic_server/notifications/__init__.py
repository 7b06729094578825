"""Digests and alerts: asks for numbers when it is time, and sends what they say by e-mail and webhook."""
