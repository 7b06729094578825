"""Formats of others that we read or write: JSON, JSON Patch, protobuf's wire, terminals."""
