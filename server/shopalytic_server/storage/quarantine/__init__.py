"""Events that were not accepted: shown, repaired and replayed."""
