"""Commands that export, erase and expire personal data."""
