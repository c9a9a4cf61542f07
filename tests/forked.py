"""Run Python commands in processes that have NautilusTrader already: forks of one that loaded it.

Loading it is most of what a short script costs, and each test of what scripts leave in the store
starts several. Where the start of the process is itself what is tested, `subprocess.run` stays.
"""

import atexit
import builtins
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from subprocess import CalledProcessError, CompletedProcess
from types import ModuleType
from typing import Any, TextIO

ENTRY = "from backtest_store.cli.app import entry; entry()"
STREAMS = ("stdin", "stdout", "stderr")
LOADED = ("asyncpg", "pydantic", "typer", "nautilus_trader.backtest.node")
DEVNULL = subprocess.DEVNULL  # what is printed is always caught
ROOT = Path(__file__).parents[1]
_parents: list["subprocess.Popen[str]"] = []


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str = "",  # noqa: A002 - as of subprocess.run, whose place this takes
    check: bool = False,
    closed: Collection[int] = (),
    **_: object,
) -> "CompletedProcess[str]":
    """Run `python SCRIPT`, `python -c CODE` or `python -m MODULE`, with some of its streams closed."""
    with tempfile.TemporaryDirectory() as folder:
        places = [f"{folder}/{name}" for name in ("in", "out", "err")]
        Path(places[0]).write_text(input)
        environment = dict(os.environ if env is None else env)
        status = _ask([command[1:], str(cwd or Path.cwd()), environment, places, [*closed]])
        out, err = (Path(place).read_text() for place in places[1:])
    done = CompletedProcess(command, os.waitstatus_to_exitcode(status), out, err)
    if check and done.returncode:
        raise CalledProcessError(done.returncode, command, out, err)
    return done


def btstore(
    *words: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    typed: str = "",
    closed: Collection[int] = (),
) -> "CompletedProcess[str]":
    """Run a command of ours."""
    return run(
        [sys.executable, "-c", ENTRY, *map(str, words)],
        cwd=cwd,
        env=env,
        input=typed,
        closed=closed,
    )


def _ask(request: list[Any]) -> int:
    if not _parents:
        command = [sys.executable, "-m", __spec__.name]
        # Unbuffered, the parts of a line would mix with what the engine logs from its thread.
        buffered = os.environ | {"PYTHONUNBUFFERED": ""}
        _parents.append(
            subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=ROOT, env=buffered)
        )
        atexit.register(_end)
    parent = _parents[0]
    assert parent.stdin is not None
    assert parent.stdout is not None
    print(json.dumps(request), file=parent.stdin, flush=True)
    return int(parent.stdout.readline())


def _end() -> None:
    parent = _parents.pop()
    parent.communicate()


def _serve(requests: TextIO, answers: TextIO) -> list[str]:
    """Fork for each request; the child returns the arguments of the Python that it is now."""
    for line in iter(requests.readline, ""):
        child = os.fork()
        if child == 0:
            requests.close()
            answers.close()
            return _become(*json.loads(line))
        print(os.waitpid(child, 0)[1], file=answers, flush=True)
    return []


def _become(
    arguments: list[str],
    directory: str,
    environment: dict[str, str],
    places: list[str],
    closed: list[int],
) -> list[str]:
    """Take on what a process is started with."""
    for descriptor, place in enumerate(places):
        flags = os.O_WRONLY | os.O_CREAT if descriptor else os.O_RDONLY
        opened = os.open(place, flags | os.O_APPEND * bool(descriptor))
        os.dup2(opened, descriptor)
        os.close(opened)
    for descriptor in closed:
        os.close(descriptor)
        for stream in (STREAMS[descriptor], f"__{STREAMS[descriptor]}__"):
            setattr(sys, stream, None)  # as Python starts without one
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[1:1] = [path for path in paths if path and path not in sys.path[1:]]
    sys.orig_argv[:] = [sys.executable, *arguments]
    return arguments


def _run_as_main(kind: str, *arguments: str) -> None:
    """Run what follows `python` on a command line."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    if kind == "-m":
        sys.argv[:] = arguments
        sys.path[0] = str(Path.cwd())
        runpy._run_module_as_main(arguments[0])  # type: ignore[attr-defined]
    elif kind == "-c":
        sys.argv[:] = ["-c", *arguments[1:]]
        sys.path[0] = ""
        exec(compile(arguments[0], "<string>", "exec"), vars(main))  # noqa: S102 - it is our own
    else:
        sys.argv[:] = [kind, *arguments]
        sys.path[0] = str(Path(kind).resolve().parent)
        main.__file__, main.__loader__ = kind, SourceFileLoader("__main__", kind)
        exec(compile(Path(kind).read_bytes(), kind, "exec"), vars(main))  # noqa: S102 - it is our own


if __name__ == "__main__":
    for name in LOADED:
        with suppress(
            ModuleNotFoundError
        ):  # NautilusTrader 2.0 has no such module, and loads quickly
            importlib.import_module(name)
    # Python 3.12 warns of the threads of numpy and pyarrow, which know of forks.
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)
    gc.freeze()  # so that no child writes to what they share
    if asked := _serve(os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")):
        _run_as_main(*asked)
