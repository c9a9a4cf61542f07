"""Hand what a query streams to code that is not asynchronous, such as a format of the shell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from backtest_store.database.connection import connect
from backtest_store.database.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")


def stream(use_case: Callable[[Connection], AsyncIterator[list[T]]]) -> Iterator[T]:
    """Open the store of the environment and yield what a use case yields on it, one by one."""
    with asyncio.Runner() as runner:
        batches = _batches(use_case)
        try:
            while batch := runner.run(_following(batches)):
                yield from batch
        finally:
            runner.run(_left(batches))


async def _batches(
    use_case: Callable[[Connection], AsyncIterator[list[T]]],
) -> AsyncIterator[list[T]]:
    async with connect(Settings.from_environment()) as db:
        async for batch in use_case(db):
            yield batch


async def _following(batches: AsyncIterator[list[T]]) -> list[T]:
    return await anext(batches, [])


async def _left(batches: AsyncIterator[list[T]]) -> None:
    await batches.aclose()
