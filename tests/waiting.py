"""Wait for what happens elsewhere."""

import time
from collections.abc import Callable

LONG = 90.0  # seconds; it only guards a hang, nothing is measured by it


def wait_until(condition: Callable[[], object], seconds: float = LONG) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s in vain")
        time.sleep(0.005)
