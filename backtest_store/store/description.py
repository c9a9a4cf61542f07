"""Describe the store without changing it."""

from __future__ import annotations

from backtest_store.store import migrations, queries
from backtest_store.store.connecting.connection import applied, connect_to_server, public_url
from backtest_store.store.embedded.server import EmbeddedServer
from backtest_store.store.settings import Settings


async def describe(settings: Settings) -> dict[str, str]:
    """Return what there is to say about the store, line by line; an embedded one is not started."""
    if settings.database_url is not None:
        return {"store": f"shared, {public_url(settings.database_url)}"} | await _contents(settings)
    server = EmbeddedServer(settings.home, settings.pg_bindir)
    pid = server.pid()
    facts = {"store": f"embedded, in {settings.home}"}
    if pid is None:
        return facts | {"server": "not running; the next command starts it"}
    return facts | {"server": f"running, process {pid}"} | await _contents(settings)


async def _contents(settings: Settings) -> dict[str, str]:
    async with connect_to_server(settings) as db:
        missing = migrations.missing(await applied(db))
        if missing:
            return {"schema": f"lacks {', '.join(missing)}: btstore db migrate"}
        store = await queries.describe_store(db)
    return {
        "schema": migrations.known()[-1],
        "PostgreSQL": store.server_version,
        "runs": f"{store.runs:,}",
        "size": f"{store.bytes / 2**20:,.1f} MB",
    }
