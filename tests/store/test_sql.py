"""Queries are put together from .sql files that each are valid, and from nothing else."""

import asyncpg
import pytest

from backtest_store import models
from backtest_store.runs import listing
from backtest_store.runs.listing import Listing
from backtest_store.store import queries, sql
from backtest_store.store.record_fields import LISTED, SORTABLE
from backtest_store.store.sql import folder
from tests.factories import make_record, store

CONDITIONS = sorted(path.stem for path in folder("sql").joinpath("filters").glob("*.sql"))


@pytest.mark.parametrize("name", CONDITIONS)
async def test_a_condition_fits_any_query_and_documents_its_parameters(
    db: asyncpg.Connection, name: str
) -> None:
    documented = [line for line in sql.text(f"filters/{name}").splitlines() if line[:4] == "-- $"]
    condition = sql.condition(name, *documented)
    for place in ("list_runs", "months", "inputs", "summary", "ranked_ids_of_all"):
        alone = sql.query(place)
        before = len((await db.prepare(alone.text)).get_parameters())
        query = sql.Query(alone.text, ("x",) * before).having([condition])
        statement = await db.prepare(query.text)
        assert len(statement.get_parameters()) == before + len(documented)


@pytest.mark.parametrize("word", ["m.secret", "r.run_id; --", "DESC, 1", "", "sharpe_ratio"])
def test_only_columns_and_operators_become_words(word: str) -> None:
    with pytest.raises(ValueError, match="not for SQL"):
        sql.query("list_runs").worded(field=word)


def test_a_place_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no place for"):
        sql.query("months").worded(field="r.started_at")


def test_conditions_number_their_parameters_on() -> None:
    first = sql.condition("strategy", "A")
    second = sql.condition("after", 1, 2)
    text, values = sql.query("months", 20).having([first, second])
    assert "ARRAY[r.strategy_name] @> ARRAY[$2::text]" in text
    assert "(r.started_at, r.run_id) < ($3::timestamptz, $4::uuid)" in text
    assert values == (20, "A", 1, 2)


def test_a_comment_never_holds_a_value() -> None:
    # COPY takes no parameters, so its driver writes the values into the text: a value with a line
    # break in a comment would go on as SQL.
    assert "--" not in sql.query("list_runs").text


async def test_every_order_can_be_asked_for(db: asyncpg.Connection) -> None:
    await store(db, [make_record(), make_record(status="failed")])
    for field in SORTABLE:
        assert len(await listing.page(db, Listing(order_by=field), 5)) == 2, field


async def test_a_list_fetches_what_it_shows_and_no_more(db: asyncpg.Connection) -> None:
    statement = await db.prepare(queries.list_runs((), "started_at").text)
    assert [column.name for column in statement.get_attributes()] == list(LISTED)
    assert set(models.RECORD_FIELDS) - set(LISTED) == models.UNLISTED
