"""CollectorService: takes events and answers after COMMIT."""
