"""The faults in short; `make test-faults` has them in full."""

import asyncio
from collections.abc import Iterator

import pytest

from backtest_store.store.connecting.connection import connect
from backtest_store.store.settings import Settings
from tests.faults import random_moments
from tests.faults.failover import urls
from tests.faults.fault_list import FAULTS
from tests.faults.lab import LITTLE_PATIENCE, Lab, NotRunError
from tests.faults.refusing_servers import database


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Give one laboratory to all faults."""
    random_moments.begin()
    with Lab(patience=LITTLE_PATIENCE) as lab:
        yield lab


async def test_reads_go_to_the_standby_and_saves_to_the_primary(lab: Lab) -> None:
    trial = lab.trial()
    standby = lab.standby_with(database(trial))
    trial.url = urls(database(trial), standby, lab.common, attributes="prefer-standby")
    assert await asyncio.to_thread(trial.attempt)
    async with connect(Settings(database_url=trial.url, home=trial.home)) as db:
        assert await db.fetchval("SELECT pg_is_in_recovery()")


@pytest.mark.timeout(300)  # a guard against hanging; on a busy machine servers start slowly
@pytest.mark.parametrize("name", FAULTS)
def test_no_run_is_lost_and_none_is_stored_twice(lab: Lab, name: str) -> None:
    fault = FAULTS[name]
    try:
        result = fault.bring_about(lab, fault.short)
    except NotRunError as error:
        pytest.skip(str(error))
    assert result.attempted > 0
    assert (result.lost, result.duplicated) == (0, 0)
    assert result.found == result.attempted
