"""People of a project: their calls, and how they sign in."""
