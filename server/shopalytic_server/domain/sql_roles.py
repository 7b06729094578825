"""What the embedded PostgreSQL and those who grant roles agree on."""

# The group of the roles that `shopalytic sql grant` makes. Its members may come in over TCP
# where the embedded PostgreSQL listens.
ANALYSTS = "shopalytic_analysts"
