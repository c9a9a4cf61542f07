"""Find the .sql files, in a checkout and in an installed wheel alike."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def folder(name: str) -> Path:
    """Return the folder `sql` or `migrations`: inside the wheel, or beside the package."""
    shipped = _PACKAGE / "share" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name
