"""A machine that misbehaves: a full disk, a clock that jumps backwards."""

import os
import subprocess
from pathlib import Path

from tests.faults.lab import Lab, NotRunError, Result, Trial
from tests.faults.refusals import database, disconnect
from tests.faults.servers import wait_until

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
DISK_BYTES = 64 * 1024


def spool_full(lab: Lab, rounds: int) -> Result:
    """Fill the spool's disk: while the store is well, and while it is away, too."""
    trial = lab.trial()
    _mount_small_disk(lab, trial.home)
    for _ in range(rounds):
        _fill(trial)
        assert trial.attempt()
        lab.common.execute(f"ALTER DATABASE {database(trial)} ALLOW_CONNECTIONS false")
        disconnect(lab, trial)
        assert not trial.attempt_in_vain()
        lab.common.execute(f"ALTER DATABASE {database(trial)} ALLOW_CONNECTIONS true")
        assert trial.attempt()
        wait_until(lambda: trial.told("started") <= trial.stored().keys())
    return trial.result(rounds)


def _mount_small_disk(lab: Lab, place: Path) -> None:
    place.mkdir(mode=0o700)
    options = f"size={DISK_BYTES},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        raise NotRunError("only root, outside a container, can mount a small disk")
    lab.afterwards(lambda: subprocess.run(["umount", "-l", place], check=False))


def _fill(trial: Trial) -> None:
    with (trial.home / "rubbish").open("ab", buffering=0) as rubbish:
        try:
            while True:
                rubbish.write(b"\0" * 512)
        except OSError:
            return


def clock_jumps_back(lab: Lab, rounds: int) -> Result:
    """Set the clock of writers back by a day, in the middle of their work, and kill them."""
    if not Path(FAKETIME).exists():
        raise NotRunError("needs Debian's package faketime")
    trial = lab.trial()
    for _ in range(rounds):
        clock = trial.directory / "clock"
        _set(clock, "+0d")
        before = len(trial.told("saved"))
        process = subprocess.Popen(
            trial.command(),
            env={
                **os.environ,
                **trial.environment,
                "LD_PRELOAD": FAKETIME,
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            },
        )
        trial.wait_for("saved", before + 1)
        _set(clock, "-1d")
        trial.wait_for("saved", len(trial.told("saved")) + 5)
        process.kill()
        process.wait()
    return trial.result(rounds)


def _set(clock: Path, offset: str) -> None:
    clock.with_suffix(".new").write_text(offset)
    clock.with_suffix(".new").replace(clock)
