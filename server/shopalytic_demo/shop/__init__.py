"""The demo shop behind its pages: goods, baskets, orders, and what it sends."""
