"""A primary that dies, and the standby that takes its place."""

import time
from urllib.parse import urlsplit

from tests.faults.lab import Lab, Result
from tests.faults.random_moments import chance
from tests.faults.servers import Server
from tests.waiting import wait_until

SYNCHRONOUS = {"synchronous_standby_names": "*", "synchronous_commit": "on"}


def standby_promoted(lab: Lab, rounds: int) -> Result:
    """Kill the primary under 4 writers and promote its synchronous standby, again and again."""
    primary = lab.server()
    trial = lab.trial(primary)
    database = urlsplit(trial.url).path[1:]
    standby = _synchronous_standby(lab, primary)
    trial.url = urls(database, primary, standby)
    results = []
    for _ in range(rounds):
        with trial.writing(4, pause=0.03):
            time.sleep(chance.uniform(0.2, 0.6))
            primary.kill()
            _promote(standby)
            trial.wait_for("saved", len(trial.told("saved")) + 5)
        results.append(trial.result(rounds, standby.url(database)))
        if len(results) < rounds:
            primary, standby = standby, _synchronous_standby(lab, standby)
            trial.url = urls(database, primary, standby)
    return results[-1]


def urls(database: str, *servers: Server, attributes: str = "read-write") -> str:
    """Return one URL for several servers, in that order."""
    hosts = ",".join(str(server.directory) for server in servers)
    ports = ",".join("5432" for _ in servers)
    where = f"host={hosts}&port={ports}&target_session_attrs={attributes}"
    return f"postgresql://btstore@/{database}?{where}"


def _synchronous_standby(lab: Lab, primary: Server) -> Server:
    standby = lab.standby(primary)
    changes = [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in SYNCHRONOUS.items()]
    primary.execute(*changes, "SELECT pg_reload_conf()")
    wait_until(lambda: _is_synchronous(primary))
    return standby


def _is_synchronous(primary: Server) -> bool:
    return primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1


def _promote(standby: Server) -> None:
    """Promote it, with nobody to wait for any more."""
    standby.execute("SELECT pg_promote()", "ALTER SYSTEM RESET synchronous_standby_names")
    standby.execute("SELECT pg_reload_conf()")
