"""The demo: a small shop and its visitors, who all come through the public doors."""
