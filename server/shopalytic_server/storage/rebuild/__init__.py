"""The typed tables made anew from stored events, of now or of a moment."""
