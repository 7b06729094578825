"""Scripted visitors of the demo shop, of now and of the weeks before."""
