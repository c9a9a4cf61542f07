"""Migrations go up, down and up again, and two at once are one."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backtest_store.errors import SchemaError, UnreachableError
from backtest_store.store import migrations
from backtest_store.store.shipped import folder

CATALOG = """
SELECT 'column', table_name, column_name, data_type, is_nullable
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, prosrc, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 ORDER BY 1, 2, 3
"""


def catalog(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(CATALOG).fetchall()
    return [row for row in rows if "yoyo" not in str(row[1])]


def test_every_migration_has_its_rollback() -> None:
    for name in migrations.known():
        assert folder("migrations").joinpath(f"{name}.rollback.sql").is_file()


def test_each_step_down_and_up_restores_the_catalog(unmigrated_url: str) -> None:
    assert catalog(unmigrated_url) == []
    assert migrations.migrate(unmigrated_url) == list(migrations.known())
    whole = catalog(unmigrated_url)
    assert whole
    for name in reversed(migrations.known()):
        assert migrations.rollback(unmigrated_url) == [name]
    assert catalog(unmigrated_url) == []
    migrations.migrate(unmigrated_url)
    assert catalog(unmigrated_url) == whole


def test_migrators_at_once_apply_each_migration_once(unmigrated_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrations.migrate, [unmigrated_url] * 4))
    assert sorted(name for names in applied for name in names) == list(migrations.known())


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"newer than this version.*9999"):
        migrations.missing([*migrations.known(), "9999.from-the-future"])


def test_an_unreachable_server_is_said_to_be_so() -> None:
    with pytest.raises(UnreachableError) as raised:
        migrations.migrate("postgresql://someone:geheim@127.0.0.1:1/x")
    assert "geheim" not in f"{raised.value}{raised.value.hint}"
