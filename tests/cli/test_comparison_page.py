"""Comparisons as tables, and split at a month."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from math import inf

import pytest

from backtest_store.models import METRIC_FIELDS, Record
from tests.factories import make_record, store_at
from tests.shell import btstore


def made(n: int) -> Record:
    returns = [0.01 * n, -0.02, 0.03, 0.01]
    return make_record(
        period_start=date(2019, 11, 1),
        period_returns=returns,
        period_counts=[20] * 4,
        period_means=returns,
        period_deviations=[0.1] * 4,
        parameters={"fast": n, "slow": 50},
        initial_capital=Decimal(100000),
        net_profit=Decimal(1000 * n),
        unrealised_profit=Decimal(200),
        final_balance=Decimal(100000 + 1000 * n - 200),
    )


@pytest.fixture
def ids(store_url: str) -> list[str]:
    runs = [made(1), made(2)]
    store_at(store_url, *runs)
    return [str(run.run_id) for run in runs]


def test_money_adds_up_in_sight(ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = btstore("compare", *ids).out
    money = re.search(r"Money, USD\n((?:.+\n)+)", table)
    assert money is not None
    rows = [re.findall(r"[-*]?[\d,]+\.\d\d", line) for line in money[1].splitlines()]
    amounts = [[Decimal(text.strip("*").replace(",", "")) for text in row] for row in rows]
    for capital, profit, still_open, balance in zip(*amounts, strict=True):
        assert capital + profit - still_open == balance
    assert max(map(len, table.splitlines())) <= 80


def test_a_split_is_at_a_month(ids: list[str]) -> None:
    table = btstore("compare", *ids, "--split", "2020-01").out
    assert re.search(r"before 2020-01.*\ntotal_return +-1\.02% +-0\.04%", table)
    assert re.search(r"from 2020-01.*\ntotal_return +4\.03% +4\.03%", table)
    found = json.loads(btstore("compare", *ids, "--split", "2020-01-01", "--format", "json").out)
    assert [run["before_total_return"] for run in found] == pytest.approx([-0.0102, -0.0004])
    sheet = btstore("compare", *ids, "--split", "2020-1", "--format", "csv").out
    assert float([*csv.DictReader(io.StringIO(sheet))][1]["after_total_return"]) == pytest.approx(
        0.0403
    )


def test_a_program_reads_the_differences_to_the_baseline(store_url: str) -> None:
    base = make_record(sharpe_ratio=0.5, net_profit=Decimal("10.10"), total_trades=10)
    endless = make_record(sharpe_ratio=2.0, profit_factor=inf, net_profit=Decimal("10.30"))
    euros = make_record(sharpe_ratio=None, currency="EUR")
    store_at(store_url, base, endless, euros)
    words = ("compare", str(endless.run_id), str(euros.run_id), "--baseline", str(base.run_id))
    runs = json.loads(btstore(*words, "--format", "json").out)
    names = ("sharpe_ratio", "net_profit", "total_trades", "profit_factor", "volatility")
    found = [[run[f"delta_{name}"] for name in names] for run in runs]
    assert found == [[1.5, 0.2, 0, None, 0.0], [None, None, 0, 0.0, 0.0]]
    first, _ = csv.DictReader(io.StringIO(btstore(*words, "--format", "csv").out))
    assert [first[f"delta_{name}"] for name in names] == ["1.5", "0.20", "0", "", "0.0"]
    assert not [n for n in first if n.startswith("delta_") and n[6:] not in METRIC_FIELDS]


@pytest.mark.parametrize("wrong", ["2020-06-15", "2020", "soon", "2020-13"])
def test_a_split_elsewhere_is_refused(ids: list[str], wrong: str) -> None:
    answer = btstore("compare", *ids, "--split", wrong)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {wrong!r} is not a month\nhint: runs keep whole months: write one as 2015-06\n"
    )


def test_months_that_were_not_stored_are_told_of(store_url: str, ids: list[str]) -> None:
    names = ("period", "period_start", "period_returns", "period_counts", "period_means")
    old = make_record(**dict.fromkeys((*names, "period_deviations")))
    store_at(store_url, old)
    answer = btstore("compare", ids[0], str(old.run_id), "--split", "2020-01")
    assert f"note: run {str(old.run_id)[:8]} was stored without its months" in answer.err
    assert re.search(r"from 2020-01.*\ntotal_return +4\.03% +–", answer.out)


def test_what_differs_in_no_input_says_so(store_url: str) -> None:
    runs = [make_record(), make_record()]
    store_at(store_url, *runs)
    assert "Inputs (0 differ)" in btstore("compare", *(str(run.run_id) for run in runs)).out
