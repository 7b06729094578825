"""The rows of an answer: those of a breakdown, and the same of another range beside them."""
