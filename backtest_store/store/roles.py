"""The roles of a shared store: one that reads, and one that saves and deletes too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.store import sql

if TYPE_CHECKING:
    from asyncpg import Connection

ROLES = ("reader", "writer")


async def renew_roles(db: Connection) -> list[str]:
    """Give each role what it may do with this version's schema, and no more; return their names.

    A role belongs to the whole server, what it may do to this database. Only its owner gives that.
    """
    async with db.transaction():
        for role in ROLES:
            await db.execute(sql.text(f"roles/{role}"))
    return [f"btstore_{role}" for role in ROLES]
