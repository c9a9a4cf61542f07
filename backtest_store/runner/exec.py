"""Run a script as `python SCRIPT` does, and record every backtest in it."""

from __future__ import annotations

import atexit
import builtins
import io
import os
import runpy
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from tempfile import mkstemp
from types import CodeType, ModuleType
from typing import Any, NoReturn

from backtest_store.capture.end_status import leave_no_trace
from backtest_store.capture.identity.process_start import start
from backtest_store.capture.run_details import RunDetails
from backtest_store.errors import UsageError
from backtest_store.runner.children import Orders, counted, record_everything, wait_for_threads

INTERRUPTED = 130


def run_script(script: str, args: Sequence[str], details: RunDetails) -> NoReturn:
    """Run a script under the name ``__main__`` and leave with its exit code."""
    if not os.path.exists(script):  # noqa: PTH110 - pathlib's raises at a name that is too long
        raise UsageError(f"cannot open {script}: no such file")
    atexit.register(_die_if_interrupted)
    start.script = _absolute(script)
    start.arguments[:] = args
    descriptor, name = mkstemp(prefix="btstore-runs-")
    os.close(descriptor)
    patch = record_everything(Orders(_said(details), tally=name))
    # What is registered first runs last, after the script's own and after its threads have ended.
    atexit.register(_report, Path(name), os.getpid())
    atexit.register(patch.finish)
    _become_main(script, args)
    try:
        _execute(script)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - Python itself is what comes next
        _end_by(error)
    finally:
        wait_for_threads()
    raise SystemExit(0)


def _end_by(error: BaseException) -> NoReturn:
    """Leave as Python does when nobody catches an exception."""
    leave_no_trace(error)
    _show(error)
    if isinstance(error, KeyboardInterrupt):
        _interrupts.append(error)
        raise SystemExit(INTERRUPTED) from None
    raise SystemExit(1) from None


def _said(details: RunDetails) -> dict[str, Any]:
    """Return what a user can say of the runs of a script."""
    names = ("strategy_name", "strategy_type", "tags", "note")
    return {name: getattr(details, name) for name in names}


def _report(tally: Path, process: int) -> None:
    """Say, last of all, how many runs were recorded; forked processes leave it to the first."""
    if os.getpid() != process:
        return
    with suppress(OSError):
        count = counted(tally)
        tally.unlink()
        runs = "1 run was" if count == 1 else f"{count or 'no'} runs were"
        print_line(f"btstore: {runs} recorded")


def print_line(line: str) -> None:
    """Write a line to standard error, if there is one."""
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _become_main(script: str, args: Sequence[str]) -> None:
    """Make `sys` and `__main__` what the script would find without us."""
    path = _absolute(script)
    sys.argv[:] = [script, *args]
    sys.orig_argv[:] = [sys.executable, script, *args]
    if not sys.flags.safe_path:
        sys.path[0] = path if _is_package(path) else str(Path(path).resolve().parent)
    main = ModuleType("__main__")
    vars(main).update(
        {
            "__annotations__": {},
            "__builtins__": builtins,
            "__cached__": None,
            "__file__": path,
            "__loader__": SourceFileLoader("__main__", path),
        }
    )
    # The one before holds what started us; dropping it would run its finalizers now.
    _before.append(sys.modules["__main__"])
    sys.modules["__main__"] = main


_before: list[ModuleType] = []


def _execute(script: str) -> None:
    """Execute the script; a folder or zip file by what Python itself does with it."""
    path = _absolute(script)
    if _is_package(path):
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]  # noqa: SLF001
        return
    try:
        code = _compiled(path)
    except SyntaxError as error:
        error.__traceback__ = None  # Python shows no frames of whoever compiled
        raise
    try:
        exec(code, vars(sys.modules["__main__"]))  # noqa: S102 - that is what is asked for
    except BaseException as error:
        leave_no_trace(error)
        raise


def _compiled(path: str) -> CodeType:
    with io.open_code(path) as source:
        return compile(source.read(), path, "exec", dont_inherit=True)


def _absolute(script: str) -> str:
    # Python joins, and resolves neither links nor dots.
    return os.path.join(os.getcwd(), script)  # noqa: PTH109, PTH118


def _is_package(path: str) -> bool:
    import zipfile

    return Path(path).is_dir() or zipfile.is_zipfile(path)


def _show(error: BaseException) -> None:
    """Show an exception that nobody caught by the hook that Python calls then."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    vars(sys)["last_exc"] = error
    with suppress(Exception):
        sys.stdout.flush()
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:  # noqa: BLE001 - a hook of the script's own that fails
        sys.__excepthook__(type(error), error, error.__traceback__)


_interrupts: list[BaseException] = []


def _die_if_interrupted() -> None:
    """After all else at exit, die of the signal if it was one: a shell's loop must stop too."""
    if not _interrupts or os.name != "posix":
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
