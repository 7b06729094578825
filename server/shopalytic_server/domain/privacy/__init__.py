"""What is kept of a person, and for how long: addresses, consent, erasure, data retention."""
