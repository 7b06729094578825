"""What the product is about, as pure code: no network, no database, no clock."""
