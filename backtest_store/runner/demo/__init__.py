"""Three configs that run the bundled strategies on the bundled market data."""

from pathlib import Path

DEMO_CONFIGS = tuple(sorted(Path(__file__).parent.glob("*.toml")))
