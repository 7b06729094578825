"""Who may ask, and how much: keys, signing in, tokens and rates."""
