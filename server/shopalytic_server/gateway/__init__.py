"""The HTTP side of the product: a client of the collector's gRPC services that browsers can talk to."""
