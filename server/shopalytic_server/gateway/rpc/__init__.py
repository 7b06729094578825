"""Every RPC over HTTP, by the Connect protocol."""
