"""A schema that changes while runs are saved, and whoever changes it is killed."""

from functools import partial

from backtest_store.store import migrations
from tests.faults.lab import Lab, Result
from tests.faults.random_moments import chance
from tests.faults.refusing_servers import database, disconnect
from tests.store.die_migrating import dying

STATEMENTS = 60  # of a migration, roughly: as many rounds try each of them


def migration_killed(lab: Lab, rounds: int) -> Result:
    """Kill a migration before its statements, while runs wait for it, and then its rollback.

    No rollback that was killed may have taken anything. Few rounds try some statements only.
    """
    stride = partial(chance.randint, 1, max(2 * STATEMENTS // rounds - 1, 1))
    trial = lab.trial()
    disconnect(lab, trial)
    migrations.rollback(trial.url)
    kills = 0
    assert not trial.attempt_in_vain()
    for _ in dying(migrations.migrate, trial.url, stride=stride):
        kills += 1
    assert not migrations.migrate(trial.url), "it has done all"
    trial.sync()
    copy = lab.trial()
    lab.common.execute(f"DROP DATABASE {database(copy)}")
    disconnect(lab, trial)
    lab.common.execute(f"CREATE DATABASE {database(copy)} TEMPLATE {database(trial)}")
    for _ in dying(migrations.rollback, copy.url, stride=stride):
        assert copy.stored().keys() == trial.told("started")
        kills += 1
    assert not migrations.newest(copy.url)
    return trial.result(kills)
