"""What the Python processes of a script under `btstore exec` find first.

It waits until one of them imports NautilusTrader's backtests, and only then loads anything of
ours. The folder of this file comes by PYTHONPATH; the process does not get to see it there.
"""

import os
import sys

TYPE_CHECKING = False  # the module that has it takes longer to load than all of this
if TYPE_CHECKING:
    from backtest_store.capture.process_recorder import ProcessRecorder

HERE = os.path.dirname(os.path.abspath(__file__))
WAITED_FOR = (
    "nautilus_trader.backtest",  # on 2.0; on 1.x these two
    "nautilus_trader.backtest.engine",
    "nautilus_trader.backtest.node",
)


class Waiting:
    """Finds nothing, and has the process followed that looks for a backtest."""

    has_waited = False
    patch: "ProcessRecorder | None" = None

    def find_spec(self, name: str, path: list[str] | None = None, _: object = None) -> object:
        """Let the others find a module, unless it is one that is waited for."""
        if name not in WAITED_FOR:
            return None
        if not self.has_waited:
            self.has_waited, self.patch = True, _follow()
        return None if self.patch is None else self.patch.find_spec(name, path)


def _follow() -> "ProcessRecorder | None":
    """Load what records, from where the parent has it, and return what finds modules there."""
    try:
        _load_package()
        from backtest_store.runner.children import follow

        return follow()
    except Exception as error:  # noqa: BLE001 - the process goes on as it would without us
        where = f"runs of process {os.getpid()}"
        sys.stderr.write(f"btstore: warning: {where} are not recorded: {error}\n")
        return None


def _load_package() -> None:
    if "backtest_store" in sys.modules:
        return
    from importlib.util import module_from_spec, spec_from_file_location

    root = os.path.dirname(os.path.dirname(HERE))
    start = os.path.join(root, "__init__.py")
    spec = spec_from_file_location("backtest_store", start, submodule_search_locations=[root])
    if spec is not None and spec.loader is not None:
        sys.modules["backtest_store"] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


def _make_room() -> None:
    """Load the `sitecustomize` that the process would have found, if there is one."""
    ours = sys.modules.pop(__name__)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != HERE]
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
    except ImportError as error:
        if error.name != __name__:
            raise
    finally:
        sys.modules.setdefault(__name__, ours)


if "BTSTORE_EXEC" in os.environ:
    sys.meta_path.insert(0, Waiting())  # type: ignore[arg-type]
_make_room()
