"""Shell completion of strategies, runs and fields: quick, and silent if the store is not there."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from backtest_store.cli.output.terminal_text import printable, shorten

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record

T = TypeVar("T")
NAMED_RUNS = {
    "@latest": "the newest run",
    "@best:sharpe_ratio": "the best run by a metric",
    "@starred": "the runs with a star",
    "@batch": "the runs of the newest grid",
}
OFFERED = 50
SHOWN = ("run_id", "status", "strategy_name", "started_at")
RUNS_LOOKED_AT = 1000
LONGEST_NAME = 60
PATIENCE_SECONDS = 1.0


def strategies(incomplete: str) -> list[str]:
    """Offer the strategies that begin so."""
    from backtest_store.store import queries

    found = _found(lambda db: queries.strategy_names(db, prefix=incomplete, limit=OFFERED))
    shown = [name for name in found if name.isprintable() and len(name) <= LONGEST_NAME]
    return [*map(_escaped, shown)] if _is_bare_word_in_bash() else shown


def _is_bare_word_in_bash() -> bool:
    """Say whether bash asks, which takes what it is given for words, unless a quote is open."""
    typed = os.environ.get("COMP_WORDS", "")
    is_bash = os.environ.get("_BTSTORE_COMPLETE") == "complete_bash"
    return is_bash and not any(typed.count(quote) % 2 for quote in "'\"")


def _escaped(name: str) -> str:
    return re.sub(r"[^\w.+/@-]", lambda found: "\\" + found[0], name)


def runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the newest runs whose ids begin so, each with what a person knows it by."""
    from backtest_store.runs import listing as listings
    from backtest_store.runs.listing import Listing
    from backtest_store.runs.selectors import id_range
    from backtest_store.store import queries, sql

    if incomplete.startswith("@"):
        return [(n, what) for n, what in NAMED_RUNS.items() if n.startswith(incomplete)]
    ids = id_range(incomplete)
    if ids is None:
        return []
    within = sql.condition("id_between", *ids)

    async def newest(db: Connection) -> list[Record]:
        found = await listings.ids(db, Listing((within,), reproductions=True), OFFERED)
        return await queries.get_runs(db, run_ids=found, fields=SHOWN)

    return [(str(run.run_id), _known_by(run)) for run in _found(newest)]


def _known_by(run: Record) -> str:
    name = shorten(printable(run.strategy_name), LONGEST_NAME)
    return f"{run.started_at:%Y-%m-%d %H:%M} {name}"


def sortable(incomplete: str) -> list[str]:
    """Offer the fields that begin so."""
    from backtest_store.store.record_fields import SORTABLE

    return [name for name in SORTABLE if name.startswith(incomplete)]


def columns(incomplete: str) -> list[str]:
    """Offer what may follow in a list of columns: fields, and parameters of stored runs."""
    from backtest_store.store import queries
    from backtest_store.store.record_fields import LISTED

    before, comma, last = incomplete.rpartition(",")
    names = [*LISTED]
    if not last or last.startswith("p"):
        found = _found(lambda db: queries.names_in_document(db, path=[], newest=RUNS_LOOKED_AT))
        names += [f"parameters.{name}" for name in found if name.isprintable()]
    taken = before.split(",")
    return [before + comma + n for n in names if n.startswith(last) and n not in taken]


def qualities(incomplete: str) -> list[str]:
    """Offer the metrics that begin so and of which one end is the better."""
    from backtest_store.store.record_fields import QUALITIES

    return [name for name in QUALITIES if name.startswith(incomplete)]


def _found(query: Callable[[Connection], Awaitable[list[T]]]) -> list[T]:
    """Return what a query finds, or nothing: completion must not disturb the command line."""
    import asyncio

    with suppress(Exception):
        return asyncio.run(asyncio.wait_for(_ask(query), PATIENCE_SECONDS))
    return []


async def _ask(query: Callable[[Connection], Awaitable[list[T]]]) -> list[T]:
    from backtest_store.store.connecting.connection import connect_to_server
    from backtest_store.store.embedded.server import EmbeddedServer
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    if settings.database_url is None and EmbeddedServer(settings.home).pid() is None:
        return []  # to start it, or even to make it, is not what the TAB key is for
    async with connect_to_server(settings) as db:
        return await query(db)
