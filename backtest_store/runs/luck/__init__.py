"""Whether the best of many runs is more than luck, from what is stored of all of them."""
