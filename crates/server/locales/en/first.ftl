# The first administrator, and one-time links.
