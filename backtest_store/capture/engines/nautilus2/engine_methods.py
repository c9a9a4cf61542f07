"""Hear of every call by which an engine of 2.0 is told what to do, from its class's methods."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from backtest_store.capture.end_status import as_seen_from, leave_no_trace
from backtest_store.capture.engines.listeners import listener_of, listener_of_run
from backtest_store.capture.engines.nautilus2 import engine_requests
from backtest_store.capture.engines.nautilus2.callbacks import forget, note_handler, watched
from backtest_store.capture.engines.nautilus2.engine_requests import (
    Component,
    EngineRequests,
    requests_of,
)
from backtest_store.capture.engines.nautilus2.fill_and_fee_models import keep_arguments
from backtest_store.capture.error_boundary import attempt, guarded
from backtest_store.capture.identity.components import KINDS

if TYPE_CHECKING:
    from backtest_store.capture.engine_recorder import EngineRecorder

Arguments = dict[str, Any]
Note = Callable[[EngineRequests, Arguments], None]
COMPONENTS = (
    ("common", "DataActor"),
    ("trading", "Strategy"),
    ("trading", "ExecutionAlgorithm"),
)

_classes: set[type] = set()


def watch_class(engine_class: type) -> None:
    """Replace the methods of an engine's class, for good."""
    if engine_class in _classes:
        return
    _classes.add(engine_class)
    patched: Any = engine_class
    keep_arguments(engine_class)
    patched.__init__ = _made
    note_requests(engine_class, requests_of)
    patched.run = _run(patched.run)
    patched.end = _end(patched.end)
    for name in ("reset", "dispose"):
        setattr(engine_class, name, _emptying(getattr(engine_class, name)))
    package = engine_class.__module__.rpartition(".")[0]
    for home, name in COMPONENTS:
        component = getattr(import_module(f"{package}.{home}"), name)
        noting_before(component, "shutdown_system", _note_shutdown)
        noting_before(component, "subscribe_topic", lambda _, said: note_handler(said["handler"]))


def note_requests(asked_class: type, find: Callable[[Any], EngineRequests]) -> None:
    """Note what an object of a class is asked, of those methods that it has."""
    for name, note in _notes().items():
        if hasattr(asked_class, name):
            setattr(asked_class, name, _noting(getattr(asked_class, name), note, find))


def noting_before(component_class: type, name: str, note: Callable[[Any, Arguments], None]) -> None:
    """Have a method of a component's class noted before it does what it does, for good."""
    original = getattr(component_class, name, None)
    if original is None or hasattr(original, "__wrapped__"):
        return
    signature = inspect.signature(original)

    @wraps(original)
    def method(component: Any, *args: Any, **named: Any) -> Any:
        with guarded("follow the run"), suppress(TypeError):  # it is raised by the original
            note(component, signature.bind(component, *args, **named).arguments)
        return original(component, *args, **named)

    setattr(component_class, name, method)


def _made(engine: Any, *args: Any, **named: Any) -> None:
    with guarded("watch the engine"):
        engine_requests.note_construction(engine, args[0] if args else named.get("config"))


def _noting(
    original: Callable[..., Any], note: Note, find: Callable[[Any], EngineRequests]
) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    def method(asked: Any, *args: Any, **named: Any) -> Any:
        try:
            result = original(asked, *args, **named)
        except BaseException as error:
            leave_no_trace(error)
            raise
        with guarded("watch the engine"):
            note(find(asked), signature.bind(asked, *args, **named).arguments)
        return result

    return method


def _notes() -> dict[str, Note]:
    """Return what to note of each method; two kinds of methods add a single one, or several."""
    notes: dict[str, Note] = {
        "add_venue": lambda a, said: a.venues.append({**said, "self": None}),
        "change_fill_model": _change_fill_model,
        "add_data": lambda a, said: a.held.append(tuple(said["data"])),
        "add_defi_data": lambda a, _: setattr(a, "has_all_data", False),
        "clear_data": lambda a, _: a.held.clear(),
    }
    for kind, single in KINDS.items():
        built_in = f"add_native_{single}" if kind == "exec_algorithms" else f"add_builtin_{single}"
        notes |= {
            f"add_{single}": _adds(kind, single),
            f"add_{kind}": _adds(kind, kind),
            f"add_{single}_from_config": _adds(kind, "config", is_config=True),
            f"add_{kind}_from_configs": _adds(kind, "configs", is_config=True),
            built_in: _adds_built_in(kind),
            f"clear_{kind}": _clears(kind),
        }
    return notes


def _adds(kind: str, name: str, *, is_config: bool = False) -> Note:
    def note(said_of: EngineRequests, said: Arguments) -> None:
        given = said[name]
        each = given if isinstance(given, list | tuple) else [given]
        field = "config" if is_config else "instance"
        said_of.components += [Component(kind, **{field: one}) for one in each]

    return note


def _adds_built_in(kind: str) -> Note:
    def note(said_of: EngineRequests, said: Arguments) -> None:
        built_in = Component(kind, config=said["config"], built_in=str(said["type_name"]))
        said_of.components.append(built_in)

    return note


def _clears(kind: str) -> Note:
    def note(said_of: EngineRequests, _: Arguments) -> None:
        said_of.components = [one for one in said_of.components if one.kind != kind]

    return note


def _change_fill_model(said_of: EngineRequests, said: Arguments) -> None:
    for venue in said_of.venues:
        if str(venue["venue"]) == str(said["venue"]):
            venue["fill_model"] = said["fill_model"]


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @wraps(original)
    def run(engine: Any, *args: Any, **named: Any) -> Any:
        listener = listener_of_run(engine)
        runs = 0 if listener is None else listener.runs
        said: Arguments = attempt(
            "follow the run", lambda: signature.bind(engine, *args, **named).arguments, {}
        )
        _tell_of_beginning(engine, listener, said)
        try:
            with watched(str(engine.instance_id), sys._getframe()):  # noqa: SLF001 - the public way
                result = original(engine, *args, **named)
        except BaseException as error:
            leave_no_trace(error)
            if listener is not None:
                with as_seen_from(sys._getframe(1), error):  # noqa: SLF001 - likewise
                    listener.raised(error, runs)
            requests_of(engine).is_under_way = False
            raise
        if not said.get("streaming", False):
            _tell_of_end(engine)
        return result

    return run


def _tell_of_beginning(engine: Any, listener: EngineRecorder | None, said: Arguments) -> None:
    with guarded("follow the run"):
        told, end = requests_of(engine), nanoseconds(said.get("end"))
        if told.is_under_way:
            told.go_on(end)
            if listener is not None:
                listener.called()
            return
        forget(str(engine.instance_id))
        told.begin(nanoseconds(said.get("start")), end)
        if listener is not None:
            listener.began()


def _tell_of_end(engine: Any) -> None:
    told = requests_of(engine)
    told.is_under_way = False
    listener = listener_of(engine)
    if listener is not None:
        listener.ended()


def _end(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def end(engine: Any) -> Any:
        try:
            with watched(str(engine.instance_id), sys._getframe()):  # noqa: SLF001 - likewise
                result = original(engine)
        except BaseException as error:
            leave_no_trace(error)
            raise
        _tell_of_end(engine)
        return result

    return end


def _emptying(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def emptied(engine: Any) -> Any:
        listener, told = listener_of(engine), requests_of(engine)
        if listener is not None:
            listener.ended()
        told.is_under_way = False
        if original.__name__ == "dispose":
            told.forget_data()
        return original(engine)

    return emptied


def _note_shutdown(component: Any, said: Arguments) -> None:
    """Note who stops the system."""
    told = engine_requests.under_way()
    if told is not None:
        told.shutdown = (type(component).__name__, said.get("reason"))


def nanoseconds(time: Any) -> int | None:
    """Return a time as UNIX nanoseconds, however it was given."""
    if time is None or isinstance(time, int):
        return time
    import pandas as pd

    return int(pd.Timestamp(time).value)
