"""Commands that look customers up, and what joined them."""
