import json

import pytest

from tests.engines.bundled import CASES, FIGURES, figures, run

EXPECTED = json.loads(FIGURES.read_text("utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_a_bundled_strategy_comes_to_the_same_to_the_last_digit(store: str, name: str) -> None:
    assert figures(run(name)) == EXPECTED[name]
