-- Runs with a star.
a.starred
