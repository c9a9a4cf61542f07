import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.engines.bundled import CASES, DEMO, FIGURES, VENUES, figures, run
from tests.number_of_tries import some

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


def test_the_code_of_a_bundled_strategy_and_of_its_venue_is_that_of_the_run(store: str) -> None:
    files = {Path(file).name for file in run("momentum-slipping").provenance["source_sha256"]}
    own = {"annotated_config.py"} if version("nautilus_trader").startswith("2") else set()
    assert {"momentum.py", "base.py", "venue_models.py", "slippage.py", *own} <= files
