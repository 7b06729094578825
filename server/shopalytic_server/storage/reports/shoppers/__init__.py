"""Reports on those who shop: what becomes of their visits, and what they are worth."""
