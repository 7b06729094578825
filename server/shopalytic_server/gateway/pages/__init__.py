"""What is served without a call: the dashboard, the tag, health and metrics."""
