"""Page views of past days, summed up."""
