"""Tell, once a process, that a password lets in over a network that anybody may listen to."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from backtest_store.log import get_logger
from backtest_store.store.connecting.out_of_range_times import TimesConnection

if TYPE_CHECKING:
    import psycopg


class WatchedConnection(TimesConnection):
    """A connection that warns if it is open to eavesdroppers; made once the server has let in."""

    __slots__ = ()

    def __init__(  # noqa: PLR0913, PLR0917 - asyncpg's signature
        self, protocol: Any, transport: Any, loop: Any, addr: Any, config: Any, params: Any
    ) -> None:
        super().__init__(protocol, transport, loop, addr, config, params)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and params.password is not None:  # of a socket it is a path
            _warn_unless_safe(peer[0], is_encrypted=transport.get_extra_info("ssl_object"))


def look_at(connection: psycopg.Connection[Any]) -> None:
    """Warn if the connection of a migration is open to eavesdroppers."""
    server = connection.pgconn
    if server.used_password and server.hostaddr:
        _warn_unless_safe(server.hostaddr.decode(), is_encrypted=server.ssl_in_use)


def _warn_unless_safe(address: str, *, is_encrypted: object) -> None:
    if not is_encrypted and is_elsewhere(address):
        _warn()


def is_elsewhere(address: str) -> bool:
    """Say whether what is sent to an IP address may leave this machine."""
    return not ip_address(address.partition("%")[0]).is_loopback


@cache
def _warn() -> None:
    get_logger().warning(
        "the database lets in by password over a connection without TLS, to which others may"
        " listen; add sslmode=verify-full, or at least require, to BTSTORE_DATABASE_URL"
    )
