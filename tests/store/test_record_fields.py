"""Which end of a metric is listed first."""

import pytest

from backtest_store.store.record_fields import direction


@pytest.mark.parametrize("metric", ["total_fees", "volatility", "returns_kurtosis"])
def test_what_is_no_quality_is_listed_with_the_most_first(metric: str) -> None:
    assert direction(metric) == "DESC NULLS LAST"


@pytest.mark.parametrize("metric", ["sharpe_ratio", "max_drawdown", "total_return"])
def test_what_earns_is_listed_with_the_most_first_and_the_undefined_last(metric: str) -> None:
    assert direction(metric) == "DESC NULLS LAST"
