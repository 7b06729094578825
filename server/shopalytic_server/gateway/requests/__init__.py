"""How a request is read: its body, its sender, its key and its cookies."""
