"""The bundled strategies on the bundled data, and what they came to on 1.231.

`python -m tests.engines.bundled` runs them on the NautilusTrader that is here, and writes the
figures anew; the store that it saves to is a temporary one.
"""

import json
import os
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backtest_store.models import Metrics, Record
from backtest_store.runner.config.loading import load_config, parse_config
from backtest_store.runner.config_runs import execute
from backtest_store.runner.demo import DEMO_CONFIGS

FIGURES = Path(__file__).with_name("figures.json")
ENGINES_OWN = {"engine_stats"}
DEMO = {path.stem: load_config(path).content for path in DEMO_CONFIGS}
# Over each strategy's demo configuration, what a venue may do to its orders.
VENUES: dict[str, dict[str, Any]] = {
    "demo": {},
    "slipping": {"slippage_ticks": 2},
    "slipping_by_fraction": {"slippage_fraction": 0.0001},
    "next_open": {"fill": "next_open"},
    "paid_by_order": {"taker_fee": None, "fee_per_order": "1.50 USD"},
    "paid_by_unit": {"taker_fee": None, "fee_per_unit": "0.01 USD"},
    "hedging": {"oms_type": "HEDGING"},
}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


CASES = {
    f"{strategy}-{name}": content | {"venue": _present(content["venue"] | venue)}
    for strategy, content in DEMO.items()
    for name, venue in VENUES.items()
}


def run(name: str) -> Record:
    """Run a case, and save it."""
    return execute(parse_config(CASES[name], origin=name))


def figures(record: Record) -> dict[str, Any]:
    """Return the metrics of a run, and what it was run on, as JSON."""
    names = {field.name for field in fields(Metrics)} - ENGINES_OWN
    found = {name: getattr(record, name) for name in sorted(names | {"data_fingerprint"})}
    read: dict[str, Any] = json.loads(json.dumps(found, default=_text))
    return read


def _text(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def main() -> None:
    """Write the figures of all cases."""
    with TemporaryDirectory() as home:
        os.environ["BTSTORE_HOME"] = home
        found = {name: figures(run(name)) for name in CASES}
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
