"""A strategy whose base class is in another module beside the script, and a package `tests`."""

import sys
from pathlib import Path

beside = Path(__file__).parent / "mine"
(beside / "tests").mkdir(parents=True, exist_ok=True)
(beside / "tests" / "__init__.py").write_text("MINE = True\n")
(beside / "base.py").write_text(
    "from nautilus_trader.trading.strategy import Strategy\n"
    "class Base(Strategy):\n"
    "    size = 10_000\n"
    "    def on_bar(self, bar):\n"
    "        if not self.cache.orders_total_count():\n"
    "            size = self.cache.instrument(bar.bar_type.instrument_id).make_qty(self.size)\n"
    "            make = self.order_factory.market\n"
    "            self.submit_order(make(bar.bar_type.instrument_id, 1, size))\n"
)
from tests.corpus.market import bars, engine, minute_bars, told

sys.path.insert(0, str(beside))
theirs = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] == "tests"}
import tests

from base import Base


class Derived(Base):
    def on_start(self) -> None:
        self.subscribe_bars(minute_bars())


print(tests.MINE, len(theirs) > 0)
made = engine()
made.add_data(bars(30))
made.add_strategy(Derived())
made.run()
told(made)
