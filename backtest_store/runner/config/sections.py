"""The sections of a config file: its data, its venue and its instrument."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backtest_store.runner.bundled_data import BUNDLED_DATA, Dataset, InstrumentType
from backtest_store.runner.config.fields import (
    BarText,
    CurrencyCode,
    DecimalPlaces,
    Fee,
    InstrumentIdText,
    Moment,
    MoneyText,
    Step,
    UpperCase,
)
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.config.timestamps import first_moment, last_moment


class Section(BaseModel):
    """A part of a config file, which knows no other keys than its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataConfig(Section):
    """Which bars of which instrument, and from when to when.

    Exactly one of `source` (bundled data), `path` (a CSV file) and `catalog` (a NautilusTrader
    Parquet catalog) says where they are. A relative path starts at the config file's directory.
    `start` and `end` are included; an `end` without a time is all of that day; times without a
    zone are UTC.
    """

    source: str | None = None
    path: Path | None = None
    catalog: Path | None = None
    instrument: InstrumentIdText | None = None
    bar: BarText | None = None
    start: Moment | None = None
    end: Moment | None = None

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
        for key in ("instrument", "bar"):
            if self.source is None and getattr(self, key) is None:
                raise ValueError(f"{given[0]} needs {key} beside it")
        if self.catalog is None and self.bar_spec.endswith(("-BID", "-ASK")):
            raise ValueError(f"bar {self.bar_spec!r} alone cannot fill orders; use LAST or MID")
        return self

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

    @property
    def instrument_id(self) -> str:
        """The instrument, as SYMBOL.VENUE."""
        return self.instrument or self.bundled.instrument

    @property
    def bar_spec(self) -> str:
        """The kind of bar, such as 1-DAY-LAST."""
        return self.bar or self.bundled.bar

    @property
    def bar_type(self) -> str:
        """NautilusTrader's name for these bars."""
        return f"{self.instrument_id}-{self.bar_spec}-EXTERNAL"

    @property
    def instrument_type(self) -> InstrumentType:
        """What the instrument is, as far as its name or the bundled data tell."""
        if self.source is not None:
            return self.bundled.instrument_type
        return "currency_pair" if "/" in self.instrument_id else "equity"

    @property
    def bundled(self) -> Dataset:
        """The bundled data of this name; only if `source` is given."""
        return BUNDLED_DATA[self.source or ""]


class VenueConfig(Section):
    """The account and what trading costs; the venue's name is in the instrument's.

    `maker_fee` and `taker_fee` are fractions of an order's value (0.001 is 0.1 %), `fee_per_unit`
    and `fee_per_order` money; one kind of fee at most, none by default. `slippage_probability` is
    that of a market order filling one tick worse.
    """

    account_type: Annotated[Literal["MARGIN", "CASH"], UpperCase] = "MARGIN"
    oms_type: Annotated[Literal["NETTING", "HEDGING"], UpperCase] = "NETTING"
    starting_balance: MoneyText = "100000 USD"
    leverage: float = Field(default=1.0, ge=1)
    maker_fee: Fee | None = None
    taker_fee: Fee | None = None
    fee_per_unit: MoneyText | None = None
    fee_per_order: MoneyText | None = None
    slippage_probability: float = Field(default=0.0, ge=0, le=1)
    random_seed: int = Field(default=0, ge=0)

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
        return self

    @property
    def initial_capital(self) -> Decimal:
        """The amount of the starting balance."""
        return Decimal(self.starting_balance.split()[0])

    @property
    def currency(self) -> str:
        """The account's base currency."""
        return self.starting_balance.split()[1]


class InstrumentConfig(Section):
    """How the instrument trades, where that does not follow from its name and its prices."""

    type: InstrumentType | None = None
    currency: CurrencyCode | None = None
    base_currency: CurrencyCode | None = None
    quote_currency: CurrencyCode | None = None
    price_precision: DecimalPlaces | None = None
    size_precision: DecimalPlaces | None = None
    tick_size: Step | None = None
    lot_size: Step | None = None
