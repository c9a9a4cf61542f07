"""Become a user that PostgreSQL agrees to run as, then run a command in this process.

Run as a script of its own: a process with threads cannot enter a user namespace, and Python code
between fork and exec can deadlock in one that has them.

    python -IS run_as_user.py namespace|account UID GID [COMMAND…]
"""

import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2  # keep capabilities when the user id changes, for access(2) too
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522
COULD_NOT = 126

libc = ctypes.CDLL(None, use_errno=True)


def require(failed: int, what: str) -> None:
    """Raise what the C library's call left in errno."""
    if failed:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def namespace(uid: int, gid: int) -> None:
    """Enter a user namespace in which this user, root for one, goes by another id.

    Files keep their owner, so nothing needs a chown, and all other users look like nobody.
    """
    outside = os.geteuid(), os.getegid()
    require(libc.unshare(CLONE_NEWUSER), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outside[0]} 1"),
        ("gid_map", f"{gid} {outside[1]} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib doubles the start
            file.write(text)


def account(uid: int, gid: int) -> None:
    """Turn from root into another user that may still go through root's directories.

    So the server's files can stay below directories that are closed to all but root.
    """
    require(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "prctl")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    only = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(only, only, only, 0, 0, 0)  # effective, permitted, inheritable
    require(libc.capset(header, sets), "capset")
    require(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "prctl")


def main(way: str, uid: str, gid: str, *command: str) -> None:
    """Run the command in the chosen way; without one, find out whether the way is open."""
    try:
        {"namespace": namespace, "account": account}[way](int(uid), int(gid))
        if command:
            os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(COULD_NOT)


if __name__ == "__main__":
    main(*sys.argv[1:])
