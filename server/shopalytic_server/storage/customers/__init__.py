"""Customers: finding, listing and showing them, and what joined them."""
