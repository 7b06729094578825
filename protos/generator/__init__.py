"""Turns the protos into Python: descriptors, messages, checks and plain dicts."""
