"""Shopalytic's server: takes events, keeps them in PostgreSQL, answers questions about them."""
