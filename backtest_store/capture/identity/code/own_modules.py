"""Which modules are the user's own, and not installed or a part of Python or of us."""

from __future__ import annotations

import site
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

OURS = __name__.partition(".")[0]
MARK = "IS_CODE_OF_RUNS"  # has the value True in what of this package runs consist of
PLACES = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
INSTALLED = frozenset({"site-packages", "dist-packages"})


def is_own(module: ModuleType) -> bool:
    """Tell whether a module is the user's own, and not installed or a part of Python or of us."""
    name = getattr(module, "__name__", "")
    if name.partition(".")[0] == OURS:
        return _is_marked(name)
    file = getattr(module, "__file__", None)
    if file is None:
        return getattr(module, "__spec__", None) is None
    return is_own_file(str(file))


def _is_marked(name: str) -> bool:
    """Tell whether a module of this package is the code of runs, or is in a package that is."""
    parts = name.split(".")
    homes = (sys.modules.get(".".join(parts[:count])) for count in range(2, len(parts) + 1))
    return any(vars(home).get(MARK) is True for home in homes if home is not None)


@cache
def is_own_file(file: str) -> bool:
    """Tell whether a file is in none of the places where packages are installed."""
    path = Path(file).resolve()
    if INSTALLED & set(path.parts) or path.is_relative_to(Path(__file__).parents[3]):
        return False
    return not any(path.is_relative_to(place) for place in _places())


@cache
def _places() -> frozenset[Path]:
    """Return where packages and the commands that start them are installed."""
    places = [sysconfig.get_path(place) for place in PLACES]
    places.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    return frozenset(Path(p).resolve() for p in [*places, *site.getsitepackages()] if p)
