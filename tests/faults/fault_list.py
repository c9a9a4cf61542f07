"""All faults: what brings each about, and how often, in short and in full."""

from collections.abc import Callable
from typing import NamedTuple

from tests.faults import (
    crashes,
    failover,
    full_disk_and_clock,
    pooler,
    refusing_servers,
    schema,
    stores,
)
from tests.faults.lab import Lab, Result


class Fault(NamedTuple):
    """A fault and its number of rounds."""

    bring_about: Callable[[Lab, int], Result]
    short: int
    full: int


FAULTS = {
    "server killed under 4 writers": Fault(crashes.server_killed, 3, 100),
    "writer killed": Fault(crashes.writer_killed, 6, 200),
    "server restarted between saves": Fault(crashes.server_restarted, 1, 20),
    "connection slots exhausted": Fault(refusing_servers.slots_exhausted, 1, 10),
    "statement timeout": Fault(refusing_servers.statement_timeout, 1, 10),
    "table locked": Fault(refusing_servers.table_locked, 1, 10),
    "slow database under SIGTERM and SIGKILL": Fault(stores.slow_under_sigterm, 2, 20),
    "server in recovery": Fault(stores.server_in_recovery, 2, 50),
    "silent host": Fault(stores.silent_host, 1, 10),
    "migration and rollback killed at each statement": Fault(schema.migration_killed, 6, 60),
    "spool for another store": Fault(stores.another_store, 1, 20),
    "descriptors exhausted": Fault(stores.descriptors_exhausted, 4, 40),
    "disk full in every place that writes": Fault(full_disk_and_clock.disk_full, 1, 10),
    "disk of the embedded server full": Fault(full_disk_and_clock.server_s_disk_full, 1, 10),
    "disk of the spool full": Fault(full_disk_and_clock.spool_full, 1, 20),
    "read-only standby": Fault(refusing_servers.read_only_standby, 1, 10),
    "database dropped in flight": Fault(refusing_servers.database_dropped, 1, 20),
    "32 processes at once": Fault(crashes.many_processes, 1, 10),
    "clock jumps back": Fault(full_disk_and_clock.clock_jumps_back, 1, 10),
    "PgBouncer in transaction mode": Fault(pooler.pgbouncer, 2, 20),
    "primary killed, standby promoted": Fault(failover.standby_promoted, 1, 10),
}
