"""The short form of a config: what most backtests need, in fewer words than NautilusTrader's.

The least that runs::

    strategy = "sma_crossover"

    [parameters]
    fast_period = 10
    slow_period = 50
    equity_fraction = 0.95

    [data]
    source = "sp500_daily"
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.timestamps import first_moment, last_moment
from backtest_store.runner.config.value_types import (
    BarText,
    CurrencyCode,
    DecimalPlaces,
    Fee,
    InstrumentIdText,
    Moment,
    MoneyText,
    SnakeCase,
    Step,
    UpperCase,
    is_strategy_path,
)
from backtest_store.runner.strategies import BUNDLED
from backtest_store.suggestions import did_you_mean

InstrumentType = Literal["equity", "currency_pair", "crypto", "perpetual", "future", "option"]
DataType = Literal["bars", "quotes", "trades", "deltas"]


class Section(BaseModel):
    """A part of a config file, which knows no other keys than its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InstrumentConfig(Section):
    """How an instrument trades, where that does not follow from its name and its prices."""

    id: InstrumentIdText | None = Field(
        default=None, description="Which one this is about; only in a list of [[instruments]]."
    )
    type: InstrumentType | None = Field(
        default=None, description="What it is; by default an equity, or what its name tells."
    )
    currency: CurrencyCode | None = Field(
        default=None, description="What an equity, future or option is quoted in."
    )
    base_currency: CurrencyCode | None = Field(
        default=None, description="What a pair buys; from a symbol such as EUR/USD by default."
    )
    quote_currency: CurrencyCode | None = Field(
        default=None, description="What a pair is paid in; from the symbol by default."
    )
    price_precision: DecimalPlaces | None = Field(
        default=None, description="Decimals of a price; as many as the data has by default."
    )
    size_precision: DecimalPlaces | None = Field(
        default=None, description="Decimals of a quantity; 0, or 8 for crypto."
    )
    tick_size: Step | None = Field(default=None, description="Smallest step of a price.")
    lot_size: Step | None = Field(default=None, description="Orders are multiples of this.")
    multiplier: Step | None = Field(
        default=None, description="Units of the underlying in one contract."
    )
    margin: Annotated[Decimal, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="Fraction of a position's value that the account must hold, before leverage;"
        " 1 by default.",
    )
    underlying: str | None = Field(default=None, description="Of a future or an option.")
    expiry: Moment | None = Field(default=None, description="When a future or an option ends.")
    option_kind: Annotated[Literal["CALL", "PUT"], UpperCase] | None = Field(
        default=None, description="Of an option."
    )
    strike_price: Step | None = Field(default=None, description="Of an option.")


class DataConfig(Section):
    """Which data of which instrument, and from when to when.

    Exactly one of `source`, `path` and `catalog` says where they are. A relative path starts at
    the config file's directory. `start` and `end` are included; an `end` without a time is all of
    that day; times without a zone are UTC.
    """

    source: str | None = Field(default=None, description="Bundled data, by name.")
    path: Path | None = Field(
        default=None, description="A CSV file of bars, quotes or trades; its columns tell which."
    )
    catalog: Path | None = Field(default=None, description="A NautilusTrader Parquet catalog.")
    type: DataType = Field(default="bars", description="What to read of a catalog.")
    instrument: InstrumentIdText | None = Field(
        default=None,
        description="SYMBOL.VENUE; for a file, what its name tells by default (AAPL.XNAS.csv).",
    )
    bar: BarText | None = Field(
        default=None,
        description="Such as 1-DAY or 15-MINUTE; for a file, what the times of its rows tell.",
    )
    timestamp: Literal["open", "close"] | None = Field(
        default=None,
        description="Whether a bar's time in the file is its beginning (the default) or its end;"
        " NautilusTrader counts by the end, and bars are moved there.",
    )
    start: Moment | None = Field(default=None, description="First day or moment.")
    end: Moment | None = Field(default=None, description="Last day or moment.")

    @field_validator("source")
    @classmethod
    def _check_source(cls, value: str | None) -> str | None:
        if value is not None and value not in BUNDLED_DATA:
            raise ValueError(f"no bundled data {value!r}{did_you_mean(value, BUNDLED_DATA)}")
        return value

    @model_validator(mode="after")
    def _check_where(self) -> Self:
        given = [key for key in ("source", "path", "catalog") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of source, path and catalog, was {' and '.join(given) or 'none'}"
            )
        if self.catalog is None:
            self._check_file()
        elif self.instrument is None:
            raise ValueError('catalog also needs instrument, such as instrument = "AAPL.XNAS"')
        elif self.type == "bars" and self.bar is None:
            raise ValueError('catalog also needs bar, such as bar = "1-DAY"')
        return self

    def _check_file(self) -> None:
        if self.type != "bars":
            raise ValueError(
                f"type {self.type!r} is for catalogs; a file's columns tell what it is"
            )
        if self.bar is not None and self.bar.endswith(("-BID", "-ASK")):
            raise ValueError(f"bar {self.bar!r} alone cannot fill orders; use LAST or MID")

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        start, end = self.first_moment, self.last_moment
        if start is not None and end is not None and start > end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        return self

    @property
    def first_moment(self) -> int | None:
        """The start, in nanoseconds since 1970."""
        return None if self.start is None else first_moment(self.start)

    @property
    def last_moment(self) -> int | None:
        """The end, in nanoseconds since 1970."""
        return None if self.end is None else last_moment(self.end)


class VenueConfig(Section):
    """The account and what trading costs; the venue's name is in the instrument's."""

    account_type: Annotated[Literal["MARGIN", "CASH"], UpperCase] = Field(
        default="MARGIN", description="CASH buys with what it has, and sells nothing short."
    )
    oms_type: Annotated[Literal["NETTING", "HEDGING"], UpperCase] = Field(
        default="NETTING", description="One position an instrument, or one an order."
    )
    book_type: Annotated[Literal["L1_MBP", "L2_MBP", "L3_MBO"], UpperCase] = Field(
        default="L1_MBP", description="Which order book the data fills; L2_MBP for deltas."
    )
    starting_balance: MoneyText = Field(
        default="100000 USD", description="Amount and currency of the account."
    )
    leverage: float = Field(
        default=1.0, ge=1, description="Largest value of positions, in equities of the account."
    )
    maker_fee: Fee | None = Field(
        default=None, description="Fraction of an order's value (0.001 is 0.1 %) as a maker."
    )
    taker_fee: Fee | None = Field(default=None, description="Fraction as a taker.")
    fee_per_unit: MoneyText | None = Field(default=None, description="Money for each unit.")
    fee_per_order: MoneyText | None = Field(default=None, description="Money for each order.")
    slippage_ticks: int = Field(
        default=0, ge=0, description="Ticks by which each market order fills worse."
    )
    slippage_fraction: float = Field(
        default=0.0, ge=0, le=0.1, description="Fraction of the price by which it fills worse."
    )
    slippage_probability: float = Field(
        default=0.0, ge=0, le=1, description="Probability of filling one tick worse."
    )
    random_seed: int = Field(default=0, ge=0, description="Decides which orders slip.")
    fill: Literal["close", "next_open"] = Field(
        default="close",
        description="Whether an order made at a bar's close fills there, or where the next opens.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        fixed = [fee for fee in (self.fee_per_unit, self.fee_per_order) if fee is not None]
        is_relative = self.maker_fee is not None or self.taker_fee is not None
        if len(fixed) + is_relative > 1:
            raise ValueError(
                "give one kind of fee: maker_fee and taker_fee, fee_per_unit or fee_per_order"
            )
        if fixed and fixed[0].split()[1] != self.currency:
            raise ValueError(f"the fee {fixed[0]!r} is not in the account's {self.currency}")
        if self.account_type == "CASH" and self.leverage != 1:
            raise ValueError(f"a CASH account has no leverage, was {self.leverage:g}")
        if bool(self.slippage_ticks) + bool(self.slippage_fraction) + bool(self.slippage_probability) > 1:  # fmt: skip  # noqa: E501
            raise ValueError("give one kind of slippage: _ticks, _fraction or _probability")
        return self

    @property
    def currency(self) -> str:
        """The account's base currency."""
        return self.starting_balance.split()[1]

    @property
    def is_free(self) -> bool:
        """Whether trading costs nothing at all."""
        fees = (self.maker_fee, self.taker_fee, self.fee_per_unit, self.fee_per_order)
        slips = self.slippage_ticks or self.slippage_fraction or self.slippage_probability
        return not any(fees) and not slips and self.fill == "close"


class StrategyConfig(Section):
    """A strategy, and what it is told.

    `strategy` is a bundled one's name or ``package.module:Class``, importable from the config
    file's directory or the working directory; its configuration class is `strategy_config`, by
    default ``ClassConfig`` beside it. Whatever it trades on comes from the data, unless its
    parameters say otherwise.
    """

    strategy: str = Field(description="A bundled strategy's name, or package.module:Class.")
    strategy_config: str | None = Field(
        default=None, description="The class of its configuration, as package.module:Class."
    )
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="What its configuration class takes."
    )

    @field_validator("strategy")
    @classmethod
    def _check_strategy(cls, value: str) -> str:
        if value.endswith(".py"):
            raise ValueError(f"{value!r} is a file; write {value.removesuffix('.py')}:ClassName")
        if value not in BUNDLED and not is_strategy_path(value):
            nearest = did_you_mean(value, BUNDLED)
            own = "" if nearest.endswith("?") else "; your own is written package.module:Class"
            raise ValueError(f"no bundled strategy {value!r}{nearest}{own}")
        return value

    @field_validator("strategy_config")
    @classmethod
    def _check_strategy_config(cls, value: str | None) -> str | None:
        if value is not None and not is_strategy_path(value):
            raise ValueError(f"{value!r} is not a class; write package.module:Class")
        return value


class Details(Section):
    """What a config of either form says of its runs beside what NautilusTrader is told."""

    name: str | None = Field(default=None, min_length=1, description="What its runs are listed as.")
    type: SnakeCase | None = Field(default=None, description="What kind of strategy it is.")
    tags: list[str] = Field(default_factory=list, description="Labels to find its runs by.")
    note: str | None = Field(default=None, description="A remark.")


class ShortForm(Details):
    """Everything about one backtest."""

    strategies: list[StrategyConfig] = Field(
        min_length=1, description="What trades; one alone may stand without this heading."
    )
    data: list[DataConfig] = Field(
        min_length=1, description="What it trades on; one alone is [data], several are [[data]]."
    )
    venue: VenueConfig = Field(default=VenueConfig(), description="The account and its costs.")
    instruments: list[InstrumentConfig] = Field(
        default_factory=list,
        description="How instruments trade; [instrument] if there is one, else [[instruments]].",
    )
    engine: dict[str, JsonValue] = Field(
        default_factory=dict, description="Further fields of NautilusTrader's BacktestEngineConfig."
    )
