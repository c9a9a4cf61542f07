"""Amounts are ranked within one currency: 3,000,000 JPY are no more than 25,000 USD."""

from decimal import Decimal

import pytest

from backtest_store.store.record_fields import MONEY
from tests.factories import make_record, store_at
from tests.shell import btstore


@pytest.fixture
def two_currencies(store_url: str) -> None:
    store_at(
        store_url,
        make_record(currency="USD", net_profit=Decimal(25_000), strategy_name="Dollars"),
        make_record(currency="JPY", net_profit=Decimal(3_000_000), strategy_name="Yen"),
    )


@pytest.mark.usefixtures("two_currencies")
@pytest.mark.parametrize("field", sorted(MONEY))
@pytest.mark.parametrize("more", [[], ["--all"]])
def test_a_list_by_an_amount_asks_for_a_currency(field: str, more: list[str]) -> None:
    answer = btstore("history", "--sort", field, *more, "--format", "csv")
    assert (answer.code, answer.out) == (2, "")
    assert f"{field} is in JPY and USD, which do not compare" in answer.err
    assert "--currency JPY" in answer.err
    one = btstore("history", "--sort", field, "--currency", "USD", *more, "--format", "csv")
    assert one.code == 0
    assert "Dollars" in one.out
    assert "Yen" not in one.out


@pytest.mark.usefixtures("two_currencies")
def test_so_do_the_best_run_and_the_best_runs() -> None:
    for words in (["show", "@best:net_profit"], ["best", "--by", "net_profit"]):
        answer = btstore(*words)
        assert answer.code == 2, words
        assert "do not compare" in answer.err
    assert btstore("show", "@best:sharpe_ratio").code == 0


@pytest.mark.usefixtures("two_currencies")
@pytest.mark.parametrize("words", [("summary", "--by", "status"), ("pivot", "fast_period")])
def test_so_do_groups_and_pivots(words: tuple[str, ...]) -> None:
    answer = btstore(*words, "--metric", "net_profit")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.endswith("which do not compare\nhint: choose one: --currency JPY\n")
    assert btstore(*words, "--metric", "net_profit", "--currency", "USD").code == 0
    assert btstore(*words, "--metric", "sharpe_ratio").code == 0


@pytest.mark.usefixtures("two_currencies")
def test_nothing_is_deleted_by_amounts_in_two() -> None:
    answer = btstore("delete", "--keep-best", "1", "--by", "net_profit", "--yes")
    assert (answer.code, "do not compare" in answer.err) == (2, True)
    assert len(btstore("history", "--format", "jsonl").out.splitlines()) == 2


@pytest.mark.usefixtures("two_currencies")
def test_groups_by_currency_are_of_one_each() -> None:
    by_currency = ("summary", "--by", "currency", "--metric", "net_profit", "--format", "csv")
    rows = [line.split(",")[:4] for line in btstore(*by_currency).out.splitlines()[1:]]
    assert rows == [["JPY", "1", "0", "3000000"], ["USD", "1", "0", "25000"]]


def test_one_currency_needs_no_choice(store_url: str) -> None:
    store_at(store_url, make_record(), make_record(status="failed", currency="JPY"))
    assert btstore("summary", "--by", "status", "--metric", "net_profit").code == 0
    assert btstore("history", "--sort", "net_profit").code == 0
    assert btstore("show", "@best:net_profit").code == 0
