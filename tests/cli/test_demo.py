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
    table = answer.out.partition("in each year;")[2].partition("The three side by side")[0]
    years = [line for line in table.splitlines() if line[:4].isdecimal()]
    assert [line[:4] for line in years] == [str(year) for year in range(1999, 2019)]
    (earned_in_2017,) = [line.split()[1:] for line in years if line.startswith("2017")]
    shown = [
        line.split()[-1]
        for run in saved[1:]  # the first ends before
        for line in btstore("show", run["run_id"]).out.splitlines()
        if line.startswith("2017")
    ]
    assert earned_in_2017 == shown
    for run in saved:
        assert f"saved {run['strategy_name']} as {run['run_id']}" in answer.out
        assert run["total_trades"] > 25
        assert answer.out.count(run["run_id"][:8]) >= 3
