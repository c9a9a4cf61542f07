"""Whether the best of many runs is more than luck, from what is stored of all of them."""

from typing import Literal

# Here, so that --help need not load what asks the store.
ScopeName = Literal["strategy", "instrument", "batch", "store"]
Criterion = Literal["sharpe_ratio", "total_return", "max_drawdown"]
