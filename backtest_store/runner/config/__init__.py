"""Config files of `btstore run`: what they say and whether it can be so."""
