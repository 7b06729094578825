"""Commands that manage projects and keys."""
