"""gRPC itself: connections, requests, errors, health and traces."""
