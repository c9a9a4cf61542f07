"""Bring every fault about, and print what became of the runs: `python -m tests.faults`."""

import argparse
import sys
import time
from dataclasses import astuple, fields
from traceback import format_exc

from tabulate import tabulate

from backtest_store.saving import background_saver
from backtest_store.store.embedded.binaries import find_binaries
from tests.faults import random_moments
from tests.faults.fault_list import FAULTS
from tests.faults.lab import LITTLE_PATIENCE, Lab, NotRunError, Result
from tests.faults.servers import BINDIR

HEADERS = ["fault", *(field.name for field in fields(Result)), "seconds"]


def main() -> int:
    """Print the table; fail if a run was lost or stored twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="few rounds of each")
    parser.add_argument("--only", default="", help="those with this in their name")
    options = parser.parse_args()
    random_moments.begin()
    binaries = find_binaries(BINDIR, None)
    sys.stderr.write(f"PostgreSQL {binaries.version}; BTSTORE_PG_BINDIR names others\n")
    rows, is_well = [], True
    for name in (name for name in FAULTS if options.only in name):
        sys.stderr.write(f"{name} …\n")
        row, is_kept = _row(name, is_short=options.short)
        sys.stderr.write(tabulate([row], tablefmt="plain") + "\n")  # all take an hour
        rows.append(row)
        is_well = is_well and is_kept
    sys.stdout.write(tabulate(rows, headers=HEADERS) + "\n")
    return 0 if is_well else 1


def _row(name: str, *, is_short: bool) -> tuple[list[object], bool]:
    bring_about, short, full = FAULTS[name]
    begun = time.monotonic()
    try:
        with Lab(patience=LITTLE_PATIENCE if is_short else background_saver.PATIENCE) as lab:
            result = bring_about(lab, short if is_short else full)
    except NotRunError as error:
        return [name, f"not run: {error}"], True
    except Exception:  # noqa: BLE001 - the other faults are still of interest
        sys.stderr.write(format_exc())
        return [name, "failed"], False
    seconds = round(time.monotonic() - begun, 1)
    return [name, *astuple(result), seconds], not (result.lost or result.duplicated)


if __name__ == "__main__":
    sys.exit(main())
