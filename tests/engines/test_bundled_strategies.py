import json

import pytest

from tests.engines.bundled import CASES, DEMO, FIGURES, VENUES, figures, run
from tests.thorough import some

EXPECTED = json.loads(FIGURES.read_text("utf-8"))


# Each strategy by itself, and each thing that a venue does with one of them.
FEW = [
    f"{strategy}-{venue}"
    for number, strategy in enumerate(DEMO)
    for venue in ("demo", *[*VENUES][1:][number :: len(DEMO)])
]


@pytest.mark.parametrize("name", some(CASES, *FEW))
def test_a_bundled_strategy_comes_to_the_same_to_the_last_digit(store: str, name: str) -> None:
    assert figures(run(name)) == EXPECTED[name]
