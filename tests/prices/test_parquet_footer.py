"""Bounds of row groups are Arrow's; a damaged footer over which Arrow ends the process is told."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eventstudy import load_prices
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.footer import decoded, stated_bounds

NAMES = ["AA", "AVGO", "BRK.B", "É", "ZZ"]


@pytest.mark.parametrize("zone", [None, "America/New_York"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_bounds_are_arrows(tmp_path: Path, unit: str, zone: str | None) -> None:
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(-(10**9), 2 * 10**9, 60))
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    table = pa.table(
        {
            "date": pa.array(seconds // 86_400, pa.int32()).cast(pa.date32()),
            "ticker": pa.array(rng.choice(NAMES, 60)).dictionary_encode(),
            "time": pa.array(seconds * per, pa.timestamp(unit, zone)),
            "name": pa.array([None, *rng.choice(NAMES, 59)], pa.large_string()),
            "none": pa.array([None] * 60, pa.string()),
        }
    )
    path = tmp_path / "prices.parquet"
    pq.write_table(table, path, row_group_size=7)
    file = pq.ParquetFile(path)
    found = stated_bounds(file.metadata)
    assert len(found) == file.metadata.num_row_groups == 9
    for group, stated in enumerate(found):
        assert decoded(stated[4], pa.string()) is None
        for i in range(4):
            arrows = file.metadata.row_group(group).column(i).statistics
            mine = decoded(stated[i], file.schema_arrow.field(i).type)
            assert mine == (arrows.min, arrows.max)


@pytest.mark.parametrize(
    ("physical", "low", "kind"),
    [
        (1, b"abc", pa.date32()),
        (1, b"\xff\xff\xff\x7f", pa.date32()),
        (2, b"\xff" * 7 + b"\x7f", pa.timestamp("s")),
        (6, b"\xff\xfe", pa.string()),
        (5, b"\x00" * 8, pa.float64()),
    ],
)
def test_bounds_that_do_not_fit_are_none(physical: int, low: bytes, kind: pa.DataType) -> None:
    assert decoded((physical, low, low), kind) is None


def written(folder: Path) -> Path:
    path = folder / "prices.parquet"
    table = pa.table(
        {
            "date": pa.array([date(2024, 3, 1), date(2024, 3, 4)] * 2),
            "ticker": ["AVGO", "AVGO", "BRK.B", "BRK.B"],
            "close": [10.5, 10.6, 401.0, 400.0],
        }
    )
    pq.write_table(table, path)
    return path


ASK = """
import sys
from eventstudy import load_prices
from eventstudy.errors import EventStudyError
try:
    load_prices(["AVGO"], source="parquet:" + sys.argv[1], start="2024-03-01")
except EventStudyError as error:
    print(error)
"""


@pytest.mark.skipif(
    int(pa.__version__.split(".")[0]) < 20,
    reason=f"pyarrow {pa.__version__} writes no SizeStatistics, damaged here: 20 and newer "
    "do; 19 only reads them, and 18 knows none",
)
def test_a_footer_over_which_arrow_ends_the_process_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    # Fields 2 and 3 of SizeStatistics, the histograms of levels, change places in column ticker.
    content, right = path.read_bytes(), b"\x16\x24" + b"\x19\x06" + b"\x19\x26\x00\x08"
    assert content.count(right) == 1
    path.write_bytes(content.replace(right, b"\x16\x24" + b"\x19\x26\x00\x08" + b"\x19\x06"))
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "prices.parquet, row group 0" in done.stdout
    assert "cannot be read: Repetition level histogram size mismatch" in done.stdout


def test_columns_of_unlike_length_are_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    # Field 5 of column close, how many values it has: none instead of four.
    content, right = path.read_bytes(), b"\x18\x05close\x15\x02\x16\x08"
    assert content.count(right) == 1
    path.write_bytes(content.replace(right, right[:-1] + b"\x00"))
    with pytest.raises(PriceInputError, match=r"row group 0: cannot be read: 0 rows where .* 4"):
        load_prices(["AVGO"], source=f"parquet:{path}")


def test_the_kinds_of_values_of_the_contract() -> None:
    """By the format: days as four bytes, microseconds as eight, the least first."""
    day = decoded((1, b"\x00\x00\x00\x00", b"\x01\x00\x00\x00"), pa.date32())
    assert day == (date(1970, 1, 1), date(1970, 1, 2))
    time = decoded((2, b"\x40\x42\x0f" + b"\x00" * 5, b"\x00" * 8), pa.timestamp("us"))
    assert time == (datetime(1970, 1, 1, 0, 0, 1), datetime(1970, 1, 1))
