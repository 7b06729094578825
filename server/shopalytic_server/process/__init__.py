"""What a server process has whatever it serves: logs, metrics, traces, signals and memory."""
