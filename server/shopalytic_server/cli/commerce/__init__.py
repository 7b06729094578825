"""Commands that compare orders with the shop's own books."""
