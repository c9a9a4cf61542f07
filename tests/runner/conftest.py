from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backtest_store.runner.config.config import parse_config
from backtest_store.runner.engine import PreparedBacktest, prepare

Preparing = Callable[..., PreparedBacktest]


@pytest.fixture
def preparing() -> Iterator[Preparing]:
    """Prepare backtests from the content of a config, and dispose of their engines."""
    made: list[PreparedBacktest] = []

    def make(content: dict[str, Any]) -> PreparedBacktest:
        made.append(prepare(parse_config(content, origin="test")))
        return made[-1]

    yield make
    for prepared in made:
        prepared.engine.dispose()
