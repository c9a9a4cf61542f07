"""Run a stored run again, and tell what differs."""
