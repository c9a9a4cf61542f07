"""A strategy's configuration in 2.0 whose fields are its annotations, as they are in 1.x.

NautilusTrader 2.0 makes a strategy's configuration of keywords, whose values are JSON's: it is the
class that reads texts as ids and numbers, and that refuses what it does not know.
"""

from __future__ import annotations

from typing import Any, Self, get_type_hints

from nautilus_trader.trading import StrategyConfig
from pydantic import ConfigDict, TypeAdapter, ValidationError

IS_CODE_OF_RUNS = True
_ANY_CLASS = ConfigDict(arbitrary_types_allowed=True)


class AnnotatedConfig(StrategyConfig):  # type: ignore[misc]  # compiled, without types
    """A strategy's configuration with fields of its own."""

    def __init_subclass__(cls, **_: bool) -> None:
        """Take what a configuration of 1.x says of its fields: they are read by keyword alone."""
        super().__init_subclass__()

    def __new__(cls, **given: Any) -> Self:
        """Make the compiled part, which has the fields that every strategy has."""
        own = cls.own_fields()
        made: Self = super().__new__(cls, **{n: v for n, v in given.items() if n not in own})
        return made

    def __init__(self, **given: Any) -> None:
        super().__init__()
        for name, hint in self.own_fields().items():
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"missing `{name}`")
            value = given[name] if name in given else getattr(type(self), name)
            setattr(self, name, _read(name, value, hint))
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuse what is impossible."""

    @classmethod
    def own_fields(cls) -> dict[str, Any]:
        """Return the fields that not every strategy has, and what each holds."""
        return get_type_hints(cls)


def _read(name: str, value: Any, hint: Any) -> Any:
    """Return a value as a field holds it, an id or a kind of bar from its text."""
    if isinstance(value, str) and hasattr(hint, "from_str"):
        return hint.from_str(value)
    try:
        return TypeAdapter(hint, config=_ANY_CLASS).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Input should be ")
        raise ValueError(f"{name} must be {reason}, was {value!r}") from None
