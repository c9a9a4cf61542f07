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


def test_one_currency_needs_no_choice(store_url: str) -> None:
    store_at(store_url, make_record(), make_record(status="failed", currency="JPY"))
    assert btstore("history", "--sort", "net_profit").code == 0
    assert btstore("show", "@best:net_profit").code == 0
