"""From a queued event to its verdict: batches, connections, retries and the spool."""
