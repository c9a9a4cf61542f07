"""What went into runs, and what changed between them."""
