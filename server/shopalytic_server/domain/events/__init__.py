"""Events as values: prepared ones, their order and their numbering."""
