"""The gRPC services: admit, check, hand on to the store, answer."""
