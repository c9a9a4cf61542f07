"""`--where`: an expression of Python's grammar, as conditions that the database checks."""
