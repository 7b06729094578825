"""What is special about each of the other tools' SDKs."""
