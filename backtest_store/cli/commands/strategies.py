"""`btstore strategies`: each strategy, summed up."""

from backtest_store.cli.options import Asked, Format, FormatOption, examples, filtered, nothing

EXAMPLES = examples("btstore strategies", "btstore strategies --since 30d --format csv")


@filtered()
def strategies(*, filters: Asked, format_: FormatOption = Format.TABLE) -> None:
    """Sum up each strategy: runs, failures, median and best Sharpe ratio, last run."""
    from backtest_store.cli.output import cells, render
    from backtest_store.cli.spinner import call
    from backtest_store.models import Strategy
    from backtest_store.store import queries

    found = call(lambda db: queries.strategies(db, where=filters.conditions))
    render.many(found, format_, cells.columns(Strategy), nothing=lambda: nothing(filters))
