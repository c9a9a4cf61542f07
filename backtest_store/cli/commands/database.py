"""`btstore db`: the store itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtest_store.cli.confirm import require_yes
from backtest_store.cli.options import OverwriteOption, counted, examples
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import SchemaError, StoreError, UsageError

app = typer.Typer(help="Look after the store itself.", no_args_is_help=True, rich_markup_mode=None)
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(
    epilog=examples(
        "btstore db status", "BTSTORE_DATABASE_URL=postgresql://db/backtests btstore db status"
    )
)
def status() -> None:
    """Say where the store is, whether it runs, and what it holds."""
    import asyncio

    from backtest_store.cli.output import render
    from backtest_store.cli.spinner import spinner
    from backtest_store.saving import save
    from backtest_store.store.description import describe
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    waiting = save.describe_waiting(settings)
    try:
        with spinner():
            facts = asyncio.run(describe(settings))
    except StoreError:
        if waiting:  # all the more of interest
            render.facts(waiting)
        raise
    render.facts(facts | waiting)


@app.command(
    epilog=examples(
        "btstore db migrate", "BTSTORE_DATABASE_URL=postgresql://db/backtests btstore db migrate"
    )
)
def migrate() -> None:
    """Bring the store's schema to this version's."""
    from backtest_store.cli.spinner import spinner
    from backtest_store.store import migrations
    from backtest_store.store.connecting.connection import url_of_a_running_server
    from backtest_store.store.settings import Settings

    with spinner():
        applied = migrations.migrate(url_of_a_running_server(Settings.from_environment()))
    for migration in applied:
        print_message(f"applied {migration}")
    if not applied:
        print_message("the schema is up to date")


@app.command(epilog=examples("btstore db rollback", "btstore db rollback --yes"))
def rollback(*, yes: YesOption = False) -> None:
    """Undo the newest migration, and lose what only it could hold."""
    import asyncio

    from backtest_store.store import migrations
    from backtest_store.store.connecting.connection import url_of_a_running_server
    from backtest_store.store.description import describe
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    url = url_of_a_running_server(settings)
    newest = migrations.newest(url)
    if newest is None:
        raise SchemaError("there is no migration to undo")
    if not yes:
        runs = asyncio.run(describe(settings)).get("runs", "no")
        require_yes(f"Undo {newest}? It drops the tables it made; the store has {runs} runs.")
    migrations.rollback(url)
    print_message(f"rolled back {newest}")


@app.command(
    epilog=examples(
        "btstore db roles",
        "BTSTORE_DATABASE_URL=postgresql://db.example/backtests btstore db roles",
    )
)
def roles() -> None:
    """Make or renew the roles of a shared store: one that reads, one that saves and deletes."""
    from backtest_store.cli.spinner import call
    from backtest_store.store.roles import renew_roles

    print_message(f"made or renewed {' and '.join(call(renew_roles))}")


@app.command(epilog=examples("btstore db stop", "BTSTORE_HOME=/tmp/trial btstore db stop"))
def stop() -> None:
    """Stop the embedded server; the next command starts it again."""
    from backtest_store.store.embedded.server import EmbeddedServer
    from backtest_store.store.settings import Settings

    settings = Settings.from_environment()
    if settings.database_url is not None:
        raise UsageError(
            "the store is a shared server, which is not ours to stop",
            hint="unset BTSTORE_DATABASE_URL to mean the embedded one",
        )
    stopped = EmbeddedServer(settings.home, settings.pg_bindir).stop()
    print_message(f"the embedded server {'is stopped' if stopped else 'was not running'}")


@app.command(epilog=examples("btstore db url", 'psql "$(btstore db url)"'))
def url() -> None:
    """Print the store's URL, without a password."""
    from backtest_store.store.connecting.connection import public_url, server_url
    from backtest_store.store.settings import Settings

    typer.echo(public_url(server_url(Settings.from_environment())))


@app.command(
    epilog=examples("btstore db backup store.dump", "btstore db backup /mnt/usb/store.dump --yes")
)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Output file.")],
    *,
    yes: OverwriteOption = False,
) -> None:
    """Write the whole store to a file: runs, what is said of them, deleted trials."""
    import asyncio

    from backtest_store.cli.output.output_file import written
    from backtest_store.store import backup as backups
    from backtest_store.store.settings import Settings

    with written(file, yes=yes) as write:
        runs = asyncio.run(backups.backup(Settings.from_environment(), write))
    print_message(f"backed up {counted(runs)}; btstore db restore reads {file}")


@app.command(
    epilog=examples(
        "btstore db restore store.dump",
        "BTSTORE_DATABASE_URL=postgresql://db/backtests btstore db restore store.dump",
    )
)
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `btstore db backup` wrote.")],
) -> None:
    """Fill an empty store, embedded or shared, from a backup."""
    import asyncio

    from backtest_store.store import backup as backups
    from backtest_store.store.settings import Settings

    if not file.is_file():
        raise UsageError(f"cannot read {file}: there is no such file")
    runs = asyncio.run(backups.restore(Settings.from_environment(), file.resolve()))
    print_message(f"restored {counted(runs)}")
