"""Random moments that can be had again: FAULT_SEED chooses them, and the seed is told."""

import os
import random
import sys

chance = random.Random()


def begin() -> None:
    """Choose new moments, and say which seed gives them again."""
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(2**32))
    sys.stderr.write(f"FAULT_SEED={seed}\n")
    chance.seed(seed)
