"""Ships the folders of SQL inside the package's wheel; an editable install finds them beside it."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("sql", "migrations")


class ShareFolders(BuildHookInterface[Any]):
    """Adds the folders to a wheel that is built to be installed elsewhere."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add them, unless the install is an editable one, which would hide the package by them."""
        if version == "standard":
            shipped = {folder: f"backtest_store/share/{folder}" for folder in FOLDERS}
            build_data["force_include"].update(shipped)
