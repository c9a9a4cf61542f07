"""The page of every key of a config file: made by `make docs` from the classes that read it."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nautilus_trader.backtest import config as backtest
from nautilus_trader.common.config import ImportableActorConfig, LoggingConfig
from nautilus_trader.data.config import DataEngineConfig
from nautilus_trader.execution.config import ExecEngineConfig
from nautilus_trader.risk.config import RiskEngineConfig
from nautilus_trader.trading.config import ImportableStrategyConfig
from pydantic_core import PydanticUndefined

from backtest_store.capture.engines.supported_versions import engine_version
from backtest_store.runner.config import short_form
from backtest_store.runner.config.grid_section import GridConfig

PAGE = Path(__file__).parents[2] / "docs" / "config-keys.md"
SECTIONS: list[tuple[str, Any]] = [
    ("", short_form.ShortForm),
    ("[parameters] and [[strategies]]", short_form.StrategyConfig),
    ("[data] and [[data]]", short_form.DataConfig),
    ("[venue]", short_form.VenueConfig),
    ("[instrument] and [[instruments]]", short_form.InstrumentConfig),
]
NAUTILUS: list[tuple[str, Any]] = [
    ("", backtest.BacktestRunConfig),
    ("[[venues]]", backtest.BacktestVenueConfig),
    ("[[data]]", backtest.BacktestDataConfig),
    ("[engine]", backtest.BacktestEngineConfig),
    ("[[engine.strategies]]", ImportableStrategyConfig),
    ("[[engine.actors]] and [[venues.modules]]", ImportableActorConfig),
    ("[engine.risk_engine]", RiskEngineConfig),
    ("[engine.data_engine]", DataEngineConfig),
    ("[engine.exec_engine]", ExecEngineConfig),
    ("[engine.logging]", LoggingConfig),
    ("[venues.fill_model]", backtest.ImportableFillModelConfig),
    ("[venues.fee_model]", backtest.ImportableFeeModelConfig),
    ("[venues.latency_model]", backtest.ImportableLatencyModelConfig),
    ("[venues.margin_model]", backtest.MarginModelConfig),
]
INTRODUCTION = (
    "A file with `venues` is in NautilusTrader's own terms, any other in the short form. Each is"
    " written in TOML, YAML or JSON. The [cookbook](cookbook.md) has whole files."
)
IN_BOTH = (
    "In both forms. `--set NAME=VALUE,…` on the command line varies the same and decides over the"
    " file."
)
PARAMETER = re.compile(r"^(\w[\w, ]*) : (.*)$")


def page() -> str:
    """Return the page as it must be."""
    parts = [
        "# Keys of config files",
        "",
        INTRODUCTION,
        "",
        "## The short form",
        "",
        *(line for name, cls in SECTIONS for line in _section(name, cls)),
        "## [grid]",
        "",
        IN_BOTH,
        "",
        *_section("", GridConfig),
        "## NautilusTrader's own terms",
        "",
        f"As NautilusTrader {engine_version()} describes them; another version has its own.",
        "",
        *(line for name, cls in NAUTILUS for line in _nautilus_section(name, cls)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _section(name: str, cls: Any) -> Iterator[str]:
    if name:
        yield from (f"### {name}", "")
    yield from (inspect.cleandoc(cls.__doc__ or ""), "")
    yield from ("| key | default | what it is |", "|---|---|---|")
    for key, field in cls.model_fields.items():
        yield f"| `{key}` | {_default(field.default)} | {field.description or ''} |"
    yield ""


def _default(value: object) -> str:
    if value is PydanticUndefined or isinstance(value, short_form.Section) or value in (None, []):
        return ""
    return f"`{value}`"


def _nautilus_section(name: str, cls: Any) -> Iterator[str]:
    yield from (f"### {name or cls.__name__}", "")
    described = dict(_parameters(cls))
    yield from ("| key | type | what it is |", "|---|---|---|")
    for key in cls.__struct_fields__:
        kind, text = described.get(key, ("", ""))
        yield f"| `{key}` | {_escaped(kind)} | {_escaped(text)} |"
    yield ""


def _parameters(cls: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what docstrings say of a class's parameters, those of its bases first."""
    for each in reversed(cls.__mro__):
        lines = inspect.cleandoc(each.__doc__ or "").splitlines()
        for number, line in enumerate(lines):
            if match := PARAMETER.match(line):
                text = _indented(lines[number + 1 :])
                yield from ((name.strip(), (match[2], text)) for name in match[1].split(","))


def _indented(lines: list[str]) -> str:
    """Return the first sentence of an indented paragraph."""
    kept = []
    for line in lines:
        if not line.startswith(" "):
            break
        kept.append(line.strip())
    return " ".join(kept).partition(". ")[0].rstrip(".") + "." if kept else ""


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
