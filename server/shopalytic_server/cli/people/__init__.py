"""Commands of people, who sign in to the dashboard."""
