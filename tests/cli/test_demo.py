"""`btstore demo`: three strategies, saved, listed and compared."""

from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.shell import btstore


def test_three_strategies_are_run_saved_and_shown(store: str) -> None:
    answer = btstore("demo")
    assert answer.code == 0
    saved = stored(store)
    names = ["Momentum", "RSI Mean Reversion", "SMA Crossover"]
    assert [run["strategy_name"] for run in saved] == names
    assert {run["status"] for run in saved} == {"success"}
    for run in saved:
        assert f"saved {run['strategy_name']} as {run['run_id']}" in answer.out
        assert run["total_trades"] > 25
        assert answer.out.count(run["run_id"][:8]) >= 3
