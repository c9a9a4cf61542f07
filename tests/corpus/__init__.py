"""Scripts that know nothing of us, run alone and under `btstore exec`."""
