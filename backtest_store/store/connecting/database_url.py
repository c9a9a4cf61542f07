"""The one reading of BTSTORE_DATABASE_URL: libpq's, strict, and never quoted in an error.

A password with an unescaped @, / or # makes other parts of the URL of itself. So what is no URL is
refused without a word of it, and only what was understood is handed to a driver, written anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import quote, unquote

from backtest_store.errors import UsageError

SCHEME = re.compile(r"postgres(?:ql)?://")
UNESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00|\s")
HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.%\w]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d*))?")
NAME = re.compile(r"[\w.-]*|[/@].*", re.DOTALL)  # of a host, or a socket's folder
USER = re.compile(r"[\w.~!$()*+%-]*")  # with anything else, a password may be in it
SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
CHOICES = {
    "sslmode": "disable allow prefer require verify-ca verify-full",
    "sslnegotiation": "postgres direct",
    "target_session_attrs": "any read-write read-only primary standby prefer-standby",
    "load_balance_hosts": "disable random",
    "gssencmode": "disable prefer",
    "channel_binding": "disable prefer",
}
# What both drivers take, what is done here, and what only libpq, which migrates, has a use for.
SHARED = frozenset(
    {
        "application_name", "client_encoding", "krbsrvname", "options", "passfile", "service",
        "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey",
        "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "target_session_attrs",
    }
)  # fmt: skip
OURS = frozenset({"connect_timeout", "load_balance_hosts"})
OF_LIBPQ = frozenset(
    {
        "channel_binding", "fallback_application_name", "gssencmode", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "tcp_user_timeout",
    }
)  # fmt: skip
PLACES = frozenset({"host", "port", "user", "password", "dbname"})
LOOKS_LIKE = "it looks like postgresql://user@host:5432/database; write / as %2F, @ as %40"
HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Host:
    """One server; an empty name is the driver's default, and so is no port."""

    name: str
    port: int | None = None


@dataclass(frozen=True, kw_only=True)
class DatabaseUrl:
    """What a URL says, decoded."""

    user: str = ""
    password: str = field(default="", repr=False)
    hosts: tuple[Host, ...] = ()
    database: str = ""
    parameters: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """The servers by name, as an error may say them."""
        return ",".join(_authority(host) for host in self.hosts)

    def public(self) -> str:
        """Return the URL without passwords, in characters that libpq reads as they were."""
        kept = {n: v for n, v in self.parameters.items() if n not in SECRET_PARAMETERS}
        return str(replace(self, password="", parameters=kept))

    def of_driver(self) -> str:
        """Return the URL of asyncpg: where the server is, it takes apart from it."""
        kept = {n: v for n, v in self.parameters.items() if n in SHARED}
        return str(replace(self, hosts=(), parameters=kept))

    def __str__(self) -> str:
        """Write the URL, passwords included, with everything escaped that may be misread."""
        login = quote(self.user, safe="") + (self.password and f":{quote(self.password, safe='')}")
        in_authority = all(
            host.name and not host.name.startswith(("/", "@")) for host in self.hosts
        )
        parameters = {} if in_authority else self._hosts_as_parameters()
        query = "&".join(
            f"{name}={quote(value, safe='/,')}"
            for name, value in (parameters | self.parameters).items()
        )
        database = f"/{quote(self.database, safe='')}" if self.database or query else ""
        return (
            f"postgresql://{login}{'@' if login else ''}{self.place if in_authority else ''}"
            f"{database}{'?' if query else ''}{query}"
        )

    def _hosts_as_parameters(self) -> dict[str, str]:
        names = {"host": ",".join(host.name for host in self.hosts)}
        if not any(host.port for host in self.hosts):
            return names
        return names | {"port": ",".join(str(host.port or "") for host in self.hosts)}


def parse(url: str) -> DatabaseUrl:
    """Read a libpq URI.

    Raises
    ------
    UsageError
        If it is none, without quoting any of it.
    """
    if not SCHEME.match(url) or UNESCAPED.search(url):
        _refuse("is not a URL that PostgreSQL understands")
    rest = url.partition("://")[2]
    place, question, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, at, hosts = authority.partition("@")
    if not at:
        login, hosts = "", authority
    if "@" in hosts or "@" in path or "@" in query or "/" in path or "#" in hosts + path:
        _refuse("has an @, / or # that is not escaped")
    user, _, password = login.partition(":")
    if not USER.fullmatch(user):
        _refuse("has a user that is not escaped")
    found = _parameters(query) if question else {}
    return DatabaseUrl(
        user=found.pop("user", _unquoted(user)),
        password=found.pop("password", _unquoted(password)),
        hosts=_hosts(hosts, found.pop("host", None), found.pop("port", None)),
        database=found.pop("dbname", _unquoted(path)),
        parameters=found,
    )


def _parameters(query: str) -> dict[str, str]:
    found = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        name = {"database": "dbname"}.get(name, name)
        if not equals or "=" in value:
            _refuse("has a parameter that is not written name=value")
        if name not in SHARED | OURS | OF_LIBPQ | PLACES:
            _refuse("has a parameter that is unknown or not supported")
        found[name] = _unquoted(value)
        if name in CHOICES and found[name] not in CHOICES[name].split():
            _refuse(f"needs {name} to be one of {', '.join(CHOICES[name].split())}")
    if not found.get("connect_timeout", "0").isdecimal():
        _refuse("needs connect_timeout to be a number of seconds")
    return found


def _hosts(authority: str, names: str | None, ports: str | None) -> tuple[Host, ...]:
    """Return the servers; parameters of the query win, as they do in libpq."""
    found = [_host(text) for text in authority.split(",")] if authority else []
    if names is not None:
        found = [Host(_checked(name)) for name in names.split(",")]
    if ports is not None:
        found = _with_ports(found or [Host("")], ports.split(","))
    return tuple(found)


def _with_ports(hosts: list[Host], ports: list[str]) -> list[Host]:
    if len(ports) not in {1, len(hosts)}:
        _refuse(f"has {len(hosts)} hosts and {len(ports)} ports")
    each = ports if len(ports) > 1 else ports * len(hosts)
    return [replace(host, port=_port(port)) for host, port in zip(hosts, each, strict=True)]


def _host(text: str) -> Host:
    found = HOST.fullmatch(text)
    if found is None:
        _refuse("has a host or a port that is none")
    return Host(found["ipv6"] or _checked(_unquoted(found["name"])), _port(found["port"] or ""))


def _checked(name: str) -> str:
    if not NAME.fullmatch(name) and not re.fullmatch(r"[0-9A-Fa-f:.]+(?:%\w+)?", name):
        _refuse("has a host that is none")
    return name


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        _refuse("has a port that is none")
    return int(text)


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        _refuse("has an escape that is not UTF-8")


def _authority(host: Host) -> str:
    name = f"[{host.name}]" if ":" in host.name else host.name
    return name if host.port is None else f"{name}:{host.port}"


def _refuse(why: str) -> NoReturn:
    raise UsageError(f"BTSTORE_DATABASE_URL {why}", hint=LOOKS_LIKE)


def hosts_of_environment() -> tuple[Host, ...]:
    """Return the servers that libpq's own variables name; none if they do not."""
    names, ports = os.environ.get("PGHOST", ""), os.environ.get("PGPORT", "")
    if not names:
        return ()
    return _hosts("", names, ports or None)
