"""Shopalytic's server: takes events, keeps them in PostgreSQL, answers questions about them."""

import os

# gRPC writes lines of its own past the log, one for each connection that was idle for long. It looks when it
# is loaded, which is after this; whoever wants these lines sets the variable.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
