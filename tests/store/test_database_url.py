"""A URL means what libpq takes it to mean, and no error ever quotes one."""

from collections.abc import Iterator
from urllib.parse import quote

import asyncpg
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from backtest_store.errors import UsageError
from backtest_store.store.connecting.connection import public_url
from backtest_store.store.connecting.database_url import parse

SECRET = "geheim77"  # noqa: S105 - planted, to be looked for in what is said
BASE = f"postgresql://me:{SECRET}@127.0.0.1:1/store"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
HOSTS = st.lists(
    st.tuples(
        st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True), st.none() | st.integers(1, 65535)
    ),
    max_size=3,
)
FOLDERS = TEXT.filter(lambda t: not set(t) & set(",")).map(lambda name: f"/{name}")
VALID = [
    "postgresql://", "postgres://h", "postgresql:///d", "postgresql://u@", "postgresql://u:p@h:1/d",
    "postgresql://u:p%40@h1:1,h2:2/d?sslmode=require", "postgresql://h1,h2:5433/d",
    "postgresql:///d?host=/tmp/a%20b%2Bc&port=5433", "postgresql://[::1]:5433/d",
    "postgresql://u@/d?host=h1,h2&port=1,2&target_session_attrs=read-write",
    "postgresql:///d?options=-c%20search_path%3Da%2Cb%20-c%20work_mem%3D8MB",
    "postgresql:///d?host=/Users/me/Library/Application%20Support/x&user=a%2Bb&password=p",
    "postgresql://u:a:b@h/d?connect_timeout=3&application_name=x%26y&dbname=other",
]  # fmt: skip


def meant_by_libpq(url: str) -> dict[str, object]:
    """Return what libpq itself reads; ports that are all left out are none."""
    said = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    return {n: v for n, v in said.items() if (v.replace(",", "") if n == "port" else v)}


@pytest.mark.parametrize("url", VALID)
def test_a_url_means_what_libpq_takes_it_to_mean(url: str) -> None:
    meant = meant_by_libpq(url)
    assert meant_by_libpq(str(parse(url))) == meant
    meant.pop("password", None)
    assert meant_by_libpq(public_url(url)) == meant


@given(TEXT, TEXT, TEXT, HOSTS, st.tuples(FOLDERS, TEXT))
def test_any_text_in_a_url_comes_back(
    user: str,
    password: str,
    database: str,
    hosts: list[tuple[str, int | None]],
    parameters: tuple[str, str],
) -> None:
    folder, option = parameters
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    place = ",".join(host if port is None else f"{host}:{port}" for host, port in hosts)
    query = f"application_name={quote(option, safe='')}"
    if not hosts:
        query += f"&host={quote(folder, safe='')}"
    url = f"postgresql://{login}@{place}/{quote(database, safe='')}?{query}"
    assert meant_by_libpq(str(parse(url))) == meant_by_libpq(url)
    public = meant_by_libpq(public_url(url))
    assert "password" not in public
    assert public["user"] == user
    assert public["dbname"] == database
    assert public["application_name"] == option


@pytest.mark.parametrize(
    "url", [BASE, f"postgresql:///d?password={SECRET}&sslpassword={SECRET}&host=/tmp"]
)
def test_a_public_url_and_a_repr_have_no_password(url: str) -> None:
    assert SECRET not in public_url(url)
    assert SECRET not in repr(parse(url))


def malformed() -> Iterator[str]:
    """Yield URLs that a slip of the hand makes of one with a password."""
    for sign in "@/?#[]& =,%\\|\"'<>{}^`\t":
        yield BASE.replace("@", sign)
        yield BASE.replace(f":{SECRET}", f"{sign}{SECRET}")
        yield BASE.replace(SECRET, f"{sign}{SECRET}")
        yield BASE.replace(SECRET, f"{SECRET[:4]}{sign}{SECRET}")
        yield BASE.replace(SECRET, f"{SECRET}{sign}x")
        yield BASE.replace("127", f"{sign}127")
        yield f"{BASE}{sign}"
        yield f"{BASE}?{sign}={SECRET}"
    yield BASE.replace("//", "/")
    yield BASE.replace("://", ":")
    yield BASE.replace("postgresql", "mysql")
    yield BASE.replace("@", "")
    yield BASE.replace("127.0.0.1", "[::1")
    yield BASE.replace("127.0.0.1", "::1]")
    yield BASE.replace(":1/", f":{SECRET}/")
    yield BASE.replace(":1/", ":99999/")
    yield f"postgresql://h/d?sslmode={SECRET}"
    yield f"postgresql://h/d?{SECRET}=1"
    yield f"postgresql://h/d?target_session_attrs={SECRET}"
    yield f"postgresql://h/d?connect_timeout={SECRET}"
    yield f"postgresql://h:1,h:2/d?port=1,2,3&password={SECRET}"
    yield f"postgresql://u:%zz{SECRET}@h/d"
    yield f"postgresql://u:%e9{SECRET}@h/d"
    yield f"postgresql://u:{SECRET}%00@h/d"
    yield f"u:{SECRET}@h/d"
    yield f"host=h password={SECRET}"
    yield SECRET


MALFORMED = sorted(set(malformed()))


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_refused_is_not_quoted(url: str) -> None:
    try:
        found = parse(url)
    except UsageError as error:
        said = f"{error} {error.hint} {error.__cause__} {error.__context__}"
        assert SECRET not in said
        assert "BTSTORE_DATABASE_URL" in said
    else:
        assert SECRET not in f"{found.public()} {found.place}"
        assert SECRET in found.password + str(found.parameters)


@given(st.text(alphabet=f"@:/?#[]%&=,\\+{SECRET[:3]}", max_size=30))
def test_any_text_is_understood_as_libpq_does_or_refused(text: str) -> None:
    url = f"postgresql://{text}"
    try:
        found = parse(url)
    except UsageError:
        return
    assert meant_by_libpq(str(found)) == meant_by_libpq(url)


async def test_the_printed_url_of_a_store_is_read_alike_by_both_drivers(store_url: str) -> None:
    url = f"{store_url}&options=-c%20work_mem%3D7MB%20-c%20search_path%3Dpublic&application_name=a%2Bb"
    public = public_url(url)
    with psycopg.connect(public) as connection:
        by_libpq = connection.execute("SELECT current_setting('work_mem')").fetchone()
        name = connection.execute("SELECT current_setting('application_name')").fetchone()
    db = await asyncpg.connect(parse(public).of_driver(), host=parse(public).hosts[0].name)
    by_asyncpg = await db.fetchrow("SELECT current_setting('work_mem')")
    await db.close()
    assert by_asyncpg is not None
    assert by_libpq == tuple(by_asyncpg) == ("7MB",)
    assert name == ("a+b",)
