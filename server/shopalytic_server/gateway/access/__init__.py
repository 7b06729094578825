"""Who may ask over HTTP, and how often."""
