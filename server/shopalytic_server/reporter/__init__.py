"""The report process: DuckDB, Arrow and the making of files lie in it, so that reports never disturb ingest.

- `process` is the process itself, one for each service.
- `keeper` starts it, revives it and ends it with the service.
- `client` asks it, from every process that serves gRPC.
- `wire` is what they say to each other, through a socket in a folder that is closed to others.
"""
