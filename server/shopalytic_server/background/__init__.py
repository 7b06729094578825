"""What runs in the background of a server, whatever it does; each part may use it."""
