"""`--where`, against a plain Python oracle that shares nothing with it; and what it refuses."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store.errors import UsageError
from backtest_store.models import Record
from backtest_store.runs import listing
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from tests.factories import STARTED, make_record, store, store_at
from tests.number_of_tries import tries

RUNS = 150
CHANCE = random.Random(20_261_128)
PARAMETERS: list[dict[str, Any]] = [
    {},
    {"fast": 5, "exit": {"atr": 2.5}, "mode": "Slow"},
    {"fast": 10, "exit": {"atr": "2.50"}, "use_stop": True},
    {"fast": 10.0, "exit": {"atr": 3}, "use_stop": False, "mode": ""},
    {"fast": "10.00", "use_stop": "true", "mode": None},
    {"fast": None, "mode": ["Slow", "a"], "use_stop": 1},
    {"fast": "-3", "exit": [], "mode": {"slow": 1}, "use_stop": 0},
]
CONFIGURATIONS: list[dict[str, Any]] = [
    {"strategy_path": "a:B"},
    {"venues": [{"name": "SIM", "leverage": "1.00"}], "catalog": {"cached": True}},
    {"venues": [{"name": "Slow", "leverage": 3}], "catalog": {"cached": False}},
    {"venues": [{"name": None, "leverage": "0.25"}], "catalog": {"cached": "a"}},
]


def some_run() -> Record:
    """Make a run of few possible values, so that every comparison has some on either side."""
    pick = CHANCE.choice
    run = make_record(
        run_id=UUID(int=CHANCE.getrandbits(128)),
        status=pick(("success", "success", "failed")),
        started_at=STARTED + timedelta(hours=pick(range(60))),
        strategy_name=pick(("SMA Crossover", "RSI", "Ümlaut", "momentum")),
        instrument_ids=pick(([], ["A.X"], ["B.X"], ["A.X", "B.X"])),
        start_date=pick(
            (None, datetime(2010, 1, 1, 12, tzinfo=UTC), datetime(2011, 6, 5, tzinfo=UTC))
        ),
        initial_capital=pick((None, Decimal("0.1"), Decimal(100_000))),
        tags=pick(([], ["demo"], ["demo", "grid"])),
        note=pick((None, "first BreakOut", "nothing")),
        starred=pick((True, False)),
        parameters=pick(PARAMETERS),
        config_snapshot=pick(CONFIGURATIONS),
        provenance=pick(({}, {"git": {"dirty": True}}, {"git": {"dirty": False}, "user": "ann"})),
    )
    if run.status != "success":
        return run
    trades = pick((0, 3, 10))
    return replace(
        run,
        sharpe_ratio=pick((None, -1.5, 0.0, 0.25, 1.0)),
        max_drawdown=pick((None, -0.5, -0.1, 0.0)),
        total_trades=trades,
        winning_trades=trades,
        losing_trades=0,
        breakeven_trades=0,
        max_drawdown_date=pick((None, date(2020, 3, 23), date(2020, 3, 24))),
        net_profit=pick((None, Decimal("-1.10"), Decimal("0.1"))),
    )


class Asked(NamedTuple):
    """An expression, and what it means in plain Python."""

    text: str
    means: Callable[[Record], bool]


def compare(held: Any, sign: str, value: Any) -> bool:
    """Compare as Python does; what is not there, or of another kind, is neither more nor less."""
    match sign:
        case "==":
            return bool(held == value)
        case "!=":
            return bool(held != value)
        case "<":
            return bool(held < value)
        case "<=":
            return bool(held <= value)
        case ">":
            return bool(held > value)
    return bool(held >= value)


SIGNS = ["==", "!=", "<", "<=", ">", ">="]
NUMBERS = ["-1.5", "0", ".1", "0.25", "1", "3", "1e1", "1_00_000", "-10%", "25 %"[:2] + "%"]


def value_of(number: str) -> Decimal:
    plain = number.replace("_", "")
    return Decimal(plain[:-1]) / 100 if plain.endswith("%") else Decimal(plain)


def number_field(field: str, sign: str, number: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, field)
        if held is None:
            return False
        wanted = value_of(number)
        return compare(held, sign, float(wanted) if isinstance(held, float) else wanted)

    return Asked(f"{field} {sign} {number}", means)


def text_field(field: str, sign: str, text: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, field)
        return held is not None and compare(held, sign, text)

    return Asked(f"{text!r} {sign.translate(str.maketrans('<>', '><'))} {field}", means)


def date_field(field: str, sign: str, day: str) -> Asked:
    first = datetime.fromisoformat(day).replace(tzinfo=UTC)

    def means(run: Record) -> bool:
        held = getattr(run, field)
        if held is None:
            return False
        if isinstance(held, datetime):
            held = held.replace(hour=0, minute=0, second=0)  # a date is its whole day
            return compare(held, sign, first)
        return compare(held, sign, first.date())

    return Asked(f"{field} {sign} '{day}'", means)


def held_at(run: Record, path: str) -> Any:
    documents = {"provenance": run.provenance, "config": run.config_snapshot}
    parts = path.replace("[0]", ".0").split(".")
    held: Any = documents.get(parts[0], run.parameters)
    for part in parts[1:] if parts[0] in documents else parts:
        if isinstance(held, list):
            held = held[0] if part == "0" and held else None  # the only place that is asked for
        else:
            held = held.get(part) if isinstance(held, dict) else None
    return held


def as_number(value: Any) -> Any:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return Decimal(value) if value.lstrip("-").replace(".", "", 1).isdigit() else None
    return value if isinstance(value, int | float) else None


def parameter(path: str, sign: str, number: str, prefix: str) -> Asked:
    def means(run: Record) -> bool:
        held = held_at(run, path)
        if held is None:
            return False
        known = as_number(held)
        if known is None:
            return sign == "!="
        return compare(Decimal(str(known)), sign, value_of(number))

    return Asked(f"{prefix}{path} {sign} {number}", means)


def parameter_text(path: str, sign: str, text: str) -> Asked:
    def means(run: Record) -> bool:
        held = held_at(run, path)
        if held is None:
            return False
        return compare(held, sign, text) if isinstance(held, str) else sign == "!="

    return Asked(f"{path} {sign} {text!r}", means)


def parameter_truth(path: str, sign: str, *, truth: bool) -> Asked:
    def means(run: Record) -> bool:
        held = held_at(run, path)
        return held is not None and (held is truth) == (sign == "==")

    return Asked(f"{path} {sign} {truth}", means)


def among(field: str, texts: list[str], word: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, field)
        is_among = any(t in held for t in texts) if isinstance(held, list) else held in texts
        return is_among == (word == "in")

    return Asked(f"{field} {word} {tuple(texts)!r}", means)


def parameter_among(path: str, word: str) -> Asked:
    def means(run: Record) -> bool:
        held = held_at(run, path)
        is_among = as_number(held) in (Decimal(5), Decimal(10)) or held == "Slow"
        return held is not None and is_among == (word == "in")

    return Asked(f"{path} {word} [5, 10, 'Slow']", means)


def inside(text: str, field: str, word: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, field)
        if isinstance(held, list):
            return (text in held) == (word == "in")
        return (text.lower() in (held or "").lower()) == (word == "in")

    return Asked(f"{text!r} {word} {field}", means)


def inside_parameter(text: str, word: str) -> Asked:
    def means(run: Record) -> bool:
        held = held_at(run, "mode")
        is_in = text in held if isinstance(held, list) else False
        is_in = text.lower() in held.lower() if isinstance(held, str) else is_in
        return is_in == (word == "in")

    return Asked(f"{text!r} {word} mode", means)


def undefined(field: str, word: str) -> Asked:
    def means(run: Record) -> bool:
        held = getattr(run, field) if hasattr(run, field) else held_at(run, field)
        return (held is None) == (word in {"is", "=="})

    return Asked(f"{field} {word} None", means)


def bare(field: str) -> Asked:
    return Asked(
        field,
        lambda run: bool(getattr(run, field) if hasattr(run, field) else held_at(run, field)),
    )


def between(low: str, high: str) -> Asked:
    def means(run: Record) -> bool:
        held = run.sharpe_ratio
        return held is not None and float(value_of(low)) < held <= float(value_of(high))

    return Asked(f"{low} < sharpe_ratio <= {high}", means)


TRUTHS = ["provenance.git.dirty", "config.catalog.cached"]
signs, numbers = st.sampled_from(SIGNS), st.sampled_from(NUMBERS)
words = st.sampled_from(["in", "not in"])
leaves: st.SearchStrategy[Asked] = st.one_of(
    st.builds(
        number_field,
        st.sampled_from(
            ["sharpe_ratio", "max_drawdown", "total_trades", "net_profit", "initial_capital"]
        ),
        signs,
        numbers,
    ),
    st.builds(
        text_field,
        st.sampled_from(["strategy_name", "note"]),
        signs,
        st.sampled_from(["RSI", "Ümlaut", "momentum", "", "nothing", "Z"]),
    ),
    st.builds(
        date_field,
        st.sampled_from(["start_date", "started_at", "max_drawdown_date"]),
        signs,
        st.sampled_from(["2010-01-01", "2020-03-23", "2026-01-06", "2011-06-05"]),
    ),
    st.builds(
        parameter,
        st.sampled_from(["fast", "exit.atr", "absent", "mode"]),
        signs,
        numbers,
        st.sampled_from(["", "parameters."]),
    ),
    st.builds(parameter, st.just("config.venues[0].leverage"), signs, numbers, st.just("")),
    st.builds(
        parameter_text,
        st.sampled_from(["mode", "provenance.user", "config.venues[0].name"]),
        signs,
        st.sampled_from(["Slow", "slow", "", "10", "a", "ann"]),
    ),
    st.builds(
        parameter_truth,
        st.sampled_from(["use_stop", "fast", "absent", *TRUTHS]),
        st.sampled_from(["==", "!="]),
        truth=st.booleans(),
    ),
    st.builds(
        among,
        st.sampled_from(["strategy_name", "instrument_ids", "tags"]),
        st.lists(st.sampled_from(["RSI", "A.X", "demo", "grid", "B.X"]), min_size=1, max_size=3),
        words,
    ),
    st.builds(parameter_among, st.sampled_from(["fast", "mode"]), words),
    st.builds(
        inside,
        st.sampled_from(["breakout", "demo", "A.X", "ÜM", "i", "50% and"]),
        st.sampled_from(["note", "tags", "instrument_ids", "strategy_name"]),
        words,
    ),
    st.builds(inside_parameter, st.sampled_from(["slow", "a", "Slow"]), words),
    st.builds(
        undefined,
        st.sampled_from(
            [
                "sharpe_ratio",
                "note",
                "start_date",
                "fast",
                "absent",
                "net_profit",
                "provenance.user",
                "config.venues[0].name",
                "config.catalog",
            ]
        ),
        st.sampled_from(["is", "is not", "==", "!="]),
    ),
    st.builds(
        bare,
        st.sampled_from(
            [
                "starred",
                "use_stop",
                "mode",
                "note",
                "tags",
                "sharpe_ratio",
                "exit",
                "config.venues",
                *TRUTHS,
            ]
        ),
    ),
    st.builds(between, st.sampled_from(["-2", "0"]), st.sampled_from([".25", "100%"])),
)


def negated(one: Asked) -> Asked:
    return Asked(f"not ({one.text})", lambda run: not one.means(run))


def joined(word: str, first: Asked, second: Asked) -> Asked:
    def means(run: Record) -> bool:
        if word == "and":
            return first.means(run) and second.means(run)
        return first.means(run) or second.means(run)

    return Asked(f"({first.text}) {word} ({second.text})", means)


expressions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(negated, inner) | st.builds(joined, st.sampled_from(["and", "or"]), inner, inner)
    ),
    max_leaves=5,
)


async def found(url: str, text: str) -> set[UUID]:
    db = await asyncpg.connect(url, statement_cache_size=0)
    try:
        asked = Listing(filters(where=text).conditions)
        return {run.run_id for run in await listing.page(db, asked, RUNS)}
    finally:
        db.terminate()


def test_every_expression_agrees_with_plain_python(store_url: str) -> None:
    runs = [some_run() for _ in range(RUNS)]
    store_at(store_url, *runs)

    @settings(max_examples=tries(100, 400), deadline=None, suppress_health_check=list(HealthCheck))
    @given(expressions)
    def agrees(asked: Asked) -> None:
        wanted = {run.run_id for run in runs if asked.means(run)}
        assert asyncio.run(found(store_url, asked.text)) == wanted, asked.text

    agrees()


EXAMPLE = (
    "sharpe_ratio > 1 and (fast_period >= 10 or use_stop) and status == 'success'"
    " and instrument in ('EUR/USD.SIM', 'SPX.XCBO') and start_date < '2010-01-01'"
    " and 'breakout' in note"
)


async def matches(db: asyncpg.Connection, text: str) -> int:
    return len(await listing.page(db, Listing(filters(where=text).conditions), 10))


async def test_the_expression_of_a_trader_finds_its_run(db: asyncpg.Connection) -> None:
    wanted: dict[str, Any] = {
        "sharpe_ratio": 1.5,
        "start_date": datetime(2009, 12, 31, tzinfo=UTC),
        "note": "My Breakout idea",
        "parameters": {"fast_period": "10.0"},
    }
    others: list[dict[str, Any]] = [
        {"sharpe_ratio": 1.0},
        {"note": None},
        {"start_date": datetime(2010, 1, 1, tzinfo=UTC)},
        {"parameters": {"fast_period": 9.99, "use_stop": False}},
        {"instrument_ids": ["ES.GLBX"]},
    ]
    await store(db, [make_record(**wanted), *(make_record(**wanted | one) for one in others)])
    assert await matches(db, EXAMPLE) == 1


async def test_names_reach_into_everything_that_is_known_of_a_run(db: asyncpg.Connection) -> None:
    run = make_record(
        batch_id=UUID(int=7 << 96),
        batch_name="grid200",
        parameters={"stop-loss": 2, "status": "odd", "periods": [5, 10]},
        config_snapshot={"engine": {"venues": [{"name": "SIM", "leverage": "2.0"}]}},
        provenance={"git": {"commit": "abc", "dirty": False}, "user": "ann"},
        engine_stats={"PnL (total)": 5.5},
        warnings=["few returns", "a rebate"],
    )
    await store(db, [run, make_record()])
    for text in (
        "batch == 'grid200'",
        "batch == '00000007'",
        "batch != None",
        "batch_name in ('grid200',)",
        "parameters['stop-loss'] == 2",
        "parameters.status == 'odd'",
        "parameters.periods[1] == 10",
        "config.engine.venues[0].name == 'SIM'",
        "config_snapshot.engine.venues[0].leverage > 1",
        "provenance.git.dirty == False and provenance.git.commit == 'abc'",
        "provenance.user == 'ann'",
        "engine_stats['PnL (total)'] == 5.5",
        "'few returns' in warnings",
        f"run_id == '{run.run_id}'",
        "not batch == None",
        "# nothing\nbatch"[10:],
        "  batch\n  and True == provenance.git.commit or batch  ",
    ):
        assert await matches(db, text) == 1, text
    assert await matches(db, "batch != 'grid200'") == 0
    assert await matches(db, "started_at > '7d' or strategy_name < 'a'") == 2


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("sharpe_ratio >", "invalid syntax", 14),
        ("note = 'a'", "write == for equal", 5),
        ("sharpe_ratio > 'high'", "sharpe_ratio is compared to a number, not to 'high'", 15),
        ("fast > 1 and status == 'sucess'", "status is never 'sucess'", 23),
        ("note > 5", "note is compared to a text", 7),
        ("starred == 1", "starred is True or False", 11),
        ("start_date < 'soon'", "'soon' is not a time", 13),
        ("max_drawdown_date == 'x'", "a date like", 21),
        ("run_id == 'abc'", "a whole id", 10),
        ("parameters == 3", "parameters holds many values", 14),
        ("fast > True", "< and > need a number or text", 7),
        ("tags < 'a'", "by == and != only", 7),
        ("5 in fast", "only a text can be in", 0),
        ("'a' in sharpe_ratio", "needs a text or a list", 0),
        ("fast < slow", "compare a name to a value", 7),
        ("fast + 1 > 2", "compare a name to a value", 11),
        ("1 < 2", "compare a name to a value", 4),
        ("fast in ()", "this list is empty", 8),
        ("fast in slow", "write 'text' in note", 8),
        ("f(1)", "here a comparison or a name", 0),
        ("fast == f()", "here a number, a text", 8),
        ("fast == 1j", "here a number, a text", 8),
        ("fast == b'x'", "here a number, a text", 8),
        ("fast == 1e99999", "out of range", 8),
        ("fast == 0x10", "numbers are written like", 8),
        ("x[1:2] > 1", "this is not a name", 0),
        ("[v for v in x]", "here a comparison or a name", 0),
        ("(lambda: 1) == fast.__class__", "here a number, a text", 1),
        ("'ü' == note and fast > f", "compare a name to a value", 23),
        ("batch > 'a'", "batch is an id or a name", 8),
        ("note == 'a\\0'", "has a NUL", 8),
    ],
)
def test_an_error_points_at_its_place(text: str, said: str, place: int) -> None:
    with pytest.raises(UsageError) as error:
        filters(where=text)
    first, shown, mark = str(error.value).split("\n")
    assert said in first
    assert shown == f"  {text}"
    assert mark.index("^") - 2 == place


@pytest.mark.parametrize(
    "text", ["", " \n ", "a\0", "\udcff > 1", "(" * 5000, "x or " * 5000, "9" * 5000 + " == x"]
)
def test_what_cannot_be_read_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError):
        filters(where=text)


def test_an_expression_is_never_run(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("print('x')", "__import__('os').getcwd()", "x == print('x')", "(y := 1) > 0"):
        with pytest.raises(UsageError):
            filters(where=text)
    assert capsys.readouterr().out == ""


def test_nothing_that_is_typed_becomes_sql() -> None:
    hostile = "\"'; DROP TABLE backtest_runs; --"
    for text in (f"note == {hostile!r}", f"parameters[{hostile!r}] > 1", f"{hostile!r} in mode"):
        for condition in filters(where=text).conditions:
            assert "DROP" not in condition.text
