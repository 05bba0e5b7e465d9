# The question whether an application may act for a person.
