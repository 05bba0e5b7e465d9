# The second factor, and enrolling one.
