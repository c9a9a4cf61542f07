import csv
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.timestamps import parse_timestamp, to_datetime
from backtest_store.runner.data.csv_file import Row, load_csv
from backtest_store.runner.data.made_catalogs import read_series

HEADER = "date,open,high,low,close,volume"
GOOD = "2005-01-03,10,12,9,11,100"
LATER = "2005-01-04,11,13,10,12,100"


def write(directory: Path, *lines: str, name: str = "prices.csv") -> Path:
    path = directory / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "bars", "first", "last"),
    [
        (
            "sp500_daily",
            5031,
            Row(
                parse_timestamp("1999-01-04"), (1229.23, 1248.81, 1219.10, 1228.10), (877_000_000,)
            ),
            Row(
                parse_timestamp("2018-12-31"),
                (2498.94, 2509.24, 2482.82, 2506.85),
                (3_442_870_000,),
            ),
        ),
        (
            "eurusd_hourly",
            6225,
            Row(
                parse_timestamp("2017-01-01T22:00Z"),
                (1.05236, 1.05253, 1.05221, 1.05227),
                (143539993,),
            ),
            Row(
                parse_timestamp("2017-12-29T21:00Z"),
                (1.19984, 1.2013, 1.19931, 1.20075),
                (4885529785,),
            ),
        ),
    ],
)
def test_bundled_data_loads_whole(name: str, bars: int, first: Row, last: Row) -> None:
    series = load_csv(BUNDLED_DATA[name].path)
    assert len(series.rows) == bars
    assert (series.rows[0], series.rows[-1]) == (first, last)
    assert series.has_sizes
    assert (
        series.fingerprint
        == hashlib.sha256(gzip.decompress(BUNDLED_DATA[name].path.read_bytes())).hexdigest()
    )


def test_a_file_is_read_once_for_as_long_as_it_does_not_change(tmp_path: Path) -> None:
    first = read_series(write(tmp_path, HEADER, GOOD))
    assert read_series(first.path) is first
    write(tmp_path, HEADER, GOOD, LATER)
    assert len(read_series(first.path).rows) == 2


def test_bundled_data_comes_with_its_licences() -> None:
    folder = BUNDLED_DATA["sp500_daily"].path.parent
    assert "Kevin Sheppard" in (folder / "LICENSE-arch").read_text(encoding="utf-8")
    assert "MIT License" in (folder / "LICENSE-gym-anytrading").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ([HEADER, "2005-01-03,10,12,9,x11,100"], 2, "'x11' is not a number"),
        ([HEADER, GOOD, "2005-01-04,,12,9,11,100"], 3, "'' is not a number"),
        ([HEADER, GOOD, "2005-01-04,null,12,9,11,100"], 3, "'null' is not a number"),
        ([HEADER, "2005-01-03,10,nan,9,11,100"], 2, "'nan' is not a price"),
        ([HEADER, "2005-01-03,10,inf,9,11,100"], 2, "'inf' is not a price"),
        ([HEADER, "2005-01-03,10,12,-9,11,100"], 2, "'-9' is not a price"),
        ([HEADER, "2005-01-03,0,12,9,11,100"], 2, "'0' is not a price"),
        ([HEADER, "2005-01-03,10,12,9,11,-1"], 2, "'-1' is not a volume"),
        ([HEADER, "2005-01-03,10,12,9,11,nan"], 2, "'nan' is not a volume"),
        ([HEADER, "2005-01-03,10,8,9,10,100"], 2, "high 8.0 is under low 9.0"),
        ([HEADER, "2005-01-03,13,12,9,11,100"], 2, "open 13.0 is outside low 9.0 to high 12.0"),
        ([HEADER, "2005-01-03,10,12,9,8,100"], 2, "close 8.0 is outside low 9.0 to high 12.0"),
        ([HEADER, "2005-01-03,8.9999,12,9,11,100"], 2, "open 8.9999 is outside low 9.0 to high"),
        ([HEADER, GOOD, LATER, GOOD], 4, "time 2005-01-03 is before the row above it"),
        ([HEADER, GOOD, GOOD], 3, "time 2005-01-03 is a duplicate"),
        ([HEADER, "2005-01-03,10,12,9,11"], 2, "expected 6 cells, found 5"),
        ([HEADER, GOOD + ",7"], 2, "expected 6 cells, found 7"),
        ([HEADER, "03/01/2005,10,12,9,11,100"], 2, "'03/01/2005' is not a time"),
        (
            ["date,open,high,low", "2005-01-03,10,12,9"],
            1,
            "no column named close; write it in the first line, which has date, open",
        ),
        (["open,high,low,close", "10,12,9,11"], 1, "no column named timestamp, datetime, date or"),
        ([GOOD, LATER], 1, "found 2005-01-03, 10, 12"),
        (["date,open,high,low,close,v,vol", GOOD], 1, "more than one column for volume"),
        ([HEADER, '"2005-01-03,10,12,9,11,100'], 2, "unexpected end of data"),
    ],
)
def test_a_bad_row_is_refused_by_its_file_line_and_value(
    lines: list[str], line: int, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(UsageError) as caught:
        load_csv(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (HEADER.encode(), "has no rows under its header"),
        (f"{HEADER}\n{GOOD}\n2005-01-04,11,13,10,\xe9,1".encode("latin-1"), "line 3: byte 0xe9"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "is a broken gzip file"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20] + b"?" * 20, "is a broken gzip file"),
    ],
)
def test_a_file_that_holds_no_rows_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load_csv(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        load_csv(tmp_path / "prices.csv")
    with pytest.raises(UsageError, match="Is a directory"):
        load_csv(tmp_path)
    with pytest.raises(
        UsageError, match=r'no file .*; write source = "sp500_daily" for the bundled'
    ):
        load_csv(tmp_path / "sp500_daily")


@pytest.mark.parametrize(
    "lines",
    [
        ["Date,Open,High,Low,Close,Adj Close,Volume", "2005-01-03,10,12,9,11,5,100"],
        ["T,TIMESTAMP,O,H,L,C,V", "?,1104710400,10,12,9,11,100"],
        ["datetime;close;open;low;high;vol", "2005-01-03T00:00Z;11;10;9;12;100"],
        [
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>",
            "2005-01-03\t00:00\t10\t12\t9\t11\t100",
        ],
        [" date , open , high , low , close , volume ", " 2005-01-03 , 10 , 12 , 9 , 11 , 100 "],
        ["\ufeff" + HEADER, "", GOOD, ""],
        ["time,o,h,l,c,v", '"2005-01-03 00:00:00",10.0,12.0,9.0,11.0,1e2'],
    ],
)
def test_the_usual_headers_are_understood(lines: list[str], tmp_path: Path) -> None:
    expected = Row(parse_timestamp("2005-01-03"), (10, 12, 9, 11), (100,))
    assert load_csv(write(tmp_path, *lines)).rows == [expected]


def test_volume_may_be_missing(tmp_path: Path) -> None:
    without = load_csv(write(tmp_path, "date,open,high,low,close", "2005-01-03,10,12,9,11"))
    zero = load_csv(write(tmp_path, HEADER, "2005-01-03,10,12,9,11,0"))
    assert not without.has_sizes
    assert not zero.has_sizes
    assert without.rows == zero.rows


def test_the_noise_of_adjusted_prices_widens_the_range(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, "2005-01-03,8.999999,12,9,12.000001,1")
    assert load_csv(path).rows[0].prices == (8.999999, 12.000001, 8.999999, 12.000001)


prices = st.floats(0.0001, 1e6)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    times = draw(st.lists(st.integers(10**14, 4 * 10**15), min_size=1, max_size=20, unique=True))
    made = []
    for time in sorted(times):
        opening, close, one, other = (draw(prices) for _ in range(4))
        high, low = max(opening, close, one), min(opening, close, other)
        made.append(Row(time * 1000, (opening, high, low, close), (draw(st.floats(0, 1e12)),)))
    return made


@dataclass(frozen=True)
class Format:
    """One of the ways to write a file that is read."""

    stamp: Callable[[int], str]
    order: list[int]
    delimiter: str
    is_gzipped: bool

    def write(self, path: Path, rows: list[Row]) -> None:
        """Write the rows under a header."""
        opener = gzip.open if self.is_gzipped else open
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=self.delimiter)
            header = ["Timestamp", "Open", "High", "Low", "Close", "Volume"]
            writer.writerow([header[position] for position in self.order])
            for row in rows:
                cells = [
                    self.stamp(row.time),
                    *(repr(value) for value in (*row.prices, *row.sizes)),
                ]
                writer.writerow([cells[position] for position in self.order])


stamps = st.sampled_from(
    [lambda time: to_datetime(time).isoformat(), lambda time: str(time // 1000), str]
)
formats = st.builds(
    Format, stamps, st.permutations(range(6)), st.sampled_from(",;\t"), st.booleans()
)


@settings(deadline=None)
@given(rows=rows(), form=formats)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], form: Format
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    form.write(path, rows)
    assert load_csv(path).rows == rows


@pytest.mark.parametrize(
    ("price", "decimals"),
    [
        ("10", 2),
        ("10.5", 2),
        ("1228.099976", 2),
        ("1.05236", 5),
        ("1.052359962", 5),
        ("112.345", 3),
        ("0.00451", 5),
        ("0.0000123", 7),
        ("0.0000000001", 9),
    ],
)
def test_prices_tell_their_decimals_through_the_noise_of_floats(
    price: str, decimals: int, tmp_path: Path
) -> None:
    row = f"2005-01-03,{price},{price},{price},{price},1"
    assert load_csv(write(tmp_path, HEADER, row)).decimals == decimals
