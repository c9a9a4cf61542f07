"""What a config file may say about a backtest.

The least that runs::

    strategy = "sma_crossover"

    [parameters]
    fast_period = 10
    slow_period = 50
    equity_fraction = 0.95

    [data]
    source = "sp500_daily"
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, JsonValue, ValidationError, field_validator

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import InstrumentType
from backtest_store.runner.config.fields import SnakeCase, is_strategy_path
from backtest_store.runner.config.file import read_config_file
from backtest_store.runner.config.sections import DataConfig, InstrumentConfig, Section, VenueConfig
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.strategies import BUNDLED


class BacktestConfig(Section):
    """Everything about one backtest.

    `strategy` is a bundled one's name or ``package.module:Class``, importable from `directory`
    (the config file's, unless set) or the working directory; its configuration class is
    `strategy_config`, by default ``ClassConfig`` beside it.
    """

    name: str | None = Field(default=None, min_length=1)
    strategy: str
    strategy_config: str | None = None
    type: SnakeCase | None = None
    tags: list[str] = Field(default_factory=list)
    note: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    data: DataConfig
    venue: VenueConfig = VenueConfig()
    instrument: InstrumentConfig = InstrumentConfig()
    directory: Path = Field(default_factory=Path.cwd)

    @field_validator("strategy")
    @classmethod
    def _check_strategy(cls, value: str) -> str:
        if value not in BUNDLED and not is_strategy_path(value):
            raise ValueError(
                f"no bundled strategy {value!r}{did_you_mean(value, BUNDLED)};"
                " your own is written package.module:Class"
            )
        return value

    @field_validator("strategy_config")
    @classmethod
    def _check_strategy_config(cls, value: str | None) -> str | None:
        if value is not None and not is_strategy_path(value):
            raise ValueError(f"{value!r} is not a class; write package.module:Class")
        return value

    @field_validator("directory")
    @classmethod
    def _make_absolute(cls, value: Path) -> Path:
        return value.absolute()

    @property
    def instrument_type(self) -> InstrumentType:
        """What the instrument is."""
        return self.instrument.type or self.data.instrument_type

    def locate(self, path: Path) -> Path:
        """Return where a path in this config is."""
        return self.directory / path.expanduser()


def load_config(path: Path) -> BacktestConfig:
    """Read a config file in TOML, YAML or JSON.

    Parameters
    ----------
    path : Path
        The file; its suffix tells the format.

    Returns
    -------
    BacktestConfig

    Raises
    ------
    UsageError
        If it cannot be read or says something that cannot be; it names the file, the key and the
        value, and for an unknown word the nearest one.
    """
    content = read_config_file(path)
    directory = path.parent / str(content.get("directory", ""))
    return parse_config(content | {"directory": directory}, origin=str(path))


def with_overrides(
    config: BacktestConfig, overrides: Mapping[str, object], *, origin: str = "--set"
) -> BacktestConfig:
    """Return the config with other values.

    Parameters
    ----------
    config : BacktestConfig
        Where everything else comes from.
    overrides : mapping
        A strategy parameter's name, or a dotted key such as ``data.start``, and its value; text
        is read as what the key or the parameter holds.
    origin : str
        What an error says the values come from.

    Returns
    -------
    BacktestConfig

    Raises
    ------
    UsageError
        If a key or value is impossible. Parameters are checked when the backtest is prepared.
    """
    content = config.model_dump(exclude_unset=True)
    for key, value in overrides.items():
        section, name = key.split(".", 1) if "." in key else ("parameters", key)
        if section not in ("parameters", *_SECTIONS):
            choices = ("parameters", *_SECTIONS)
            raise UsageError(f"{origin}: no section {section!r}{did_you_mean(section, choices)}")
        content[section] = content.get(section, {}) | {name: value}
    return parse_config(content, origin=origin)


def parse_config(content: Mapping[str, object], *, origin: str) -> BacktestConfig:
    """Check the content of a config, which `origin` names in errors."""
    try:
        return BacktestConfig.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{origin}: {_explain(error)}") from None


_SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
    "venue": VenueConfig,
    "instrument": InstrumentConfig,
}


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    # Below a parameter, Pydantic adds which kind of JSON value it took it for.
    parts = first["loc"][:2] if first["loc"][0] == "parameters" else first["loc"]
    key = ".".join(str(part) for part in parts)
    if first["type"] == "missing":
        return f"{key} is missing"
    if first["type"] == "extra_forbidden":
        section = _SECTIONS.get(str(first["loc"][0]), BacktestConfig)
        return f"no key {key!r}{did_you_mean(str(first['loc'][-1]), section.model_fields)}"
    if first["type"] == "value_error":
        return f"{key}: {first['ctx']['error']}"
    return f"{key}: {first['msg']}, was {first['input']!r}"
