"""What the months of a run take on disk, and that they are read without a look-up elsewhere."""

from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from math import sin
from random import Random

import psycopg

from backtest_store.models import PERIOD_FIELDS
from backtest_store.statistics.months import periods_of
from tests.factories import make_record, store_at

RUNS = 200
MOST = 2048  # bytes of a run of ten years
# As many as NautilusTrader's own, so that rows are as long as real ones.
STATISTICS = {f"statistic {n}": sin(n) for n in range(18)}
NO_MONTHS = {"period": None, "period_start": None} | dict.fromkeys(PERIOD_FIELDS)


def months_of_years(years: int, seed: int) -> dict[str, object]:
    """Return the months of random daily returns of some years."""
    random = Random(seed)
    days = [date(2000, 1, 1) + timedelta(n) for n in range(round(365.25 * years))]
    days = [day for day in days if day.weekday() < 5]
    levels = accumulate((1 + random.gauss(0.0003, 0.01) for _ in days), lambda a, b: a * b)
    curve = [(day, Decimal(repr(level))) for day, level in zip(days, levels, strict=True)]
    periods = periods_of(Decimal(1), curve)
    assert periods is not None
    assert len(periods.period_returns) == 12 * years
    return asdict(periods)


def size(url: str) -> tuple[int, int]:
    """Return the bytes of the rows of metrics, and of what they keep elsewhere.

    Free space maps and indexes, which a run without months needs as well, grow by leaps.
    """
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("VACUUM FULL performance_metrics, periods")  # without what earlier rows left
        query = """
            SELECT sum(pg_relation_size(oid) + pg_relation_size(reltoastrelid)),
                   sum(pg_relation_size(reltoastrelid))
              FROM pg_class WHERE relname IN ('performance_metrics', 'periods')
        """
        (whole, elsewhere) = db.execute(query).fetchone() or (0, 0)
        return whole, elsewhere


def test_ten_years_of_months_take_two_kilobytes(store_url: str) -> None:
    empty, _ = size(store_url)
    store_at(store_url, *(make_record(engine_stats=STATISTICS, **NO_MONTHS) for _ in range(RUNS)))
    without, _ = size(store_url)
    kinds = [months_of_years(10, seed) for seed in range(10)]
    store_at(
        store_url,
        *(make_record(engine_stats=STATISTICS, **kinds[n % len(kinds)]) for n in range(RUNS)),
    )
    both, _ = size(store_url)
    assert ((both - without) - (without - empty)) / RUNS <= MOST, (empty, without, both)


def test_twenty_years_of_months_are_kept_beside_their_run(store_url: str) -> None:
    store_at(store_url, *(make_record(**months_of_years(20, n)) for n in range(10)))
    whole, elsewhere = size(store_url)
    assert whole
    assert elsewhere == 0
