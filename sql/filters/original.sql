-- Runs that reproduce no other.
r.reproduced_from IS NULL
