"""Small wrongs, each put into a copy of the tree, and the fast tests that must notice."""
