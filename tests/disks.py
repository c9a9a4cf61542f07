"""Where the tests keep what they write."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own there
LARGE_DISK_BYTES = 2 * 2**30


def quick_disk() -> Path | None:
    """Return a disk in memory if there is a large one that programs may be run from.

    No test cuts the power, and a server whose flushes cost nothing makes a database in a third of
    the time.
    """
    if not MEMORY.is_dir() or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > LARGE_DISK_BYTES else None
