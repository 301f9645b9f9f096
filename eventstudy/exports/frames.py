"""All tables of results in full precision, by the name of the file that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from eventstudy.disk import FolderWriter, Writer
from eventstudy.disk.parts import ROWS_OF_A_PART, PartWriter
from eventstudy.exports.formulas import frame_without_formulas

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.activity import ActivityResult
    from eventstudy.backtest import BacktestResult
    from eventstudy.claims import ClaimsResult
    from eventstudy.longrun import LongRunResult
    from eventstudy.study import StudyResult

PLAIN: dict[str, Any] = {"index": False, "lineterminator": "\n"}
"""How tables are written as CSV."""

TABLES = (
    "abnormal", "cars", "tests", "effects", "dropped", "overlaps",
    "multiple", "identification", "merged", "readings", "survivors", "sensitivity",
    "volume", "variance", "activity_tests", "bhar", "bhar_tests", "calendar_time", "bhar_dropped",
    "trades", "orders", "equity", "metrics", "skipped", "monthly", "attribution",
    "attribution_by", "luck", "frictions", "placebo", "claims", "claim_numbers",
)  # fmt: skip


def frames_of(
    study: StudyResult | None = None,
    backtest: BacktestResult | None = None,
    activity: Sequence[ActivityResult] = (),
    long_run: LongRunResult | None = None,
    claims: ClaimsResult | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of results by file name, in the order of `TABLES`."""
    found: dict[str, pd.DataFrame] = {}
    if study is not None:
        found |= _study_frames(study)
    if activity:
        found |= {result.what: result.events for result in activity}
        found["activity_tests"] = _activity_tests(activity)
    if long_run is not None:
        found |= {
            "bhar": long_run.bhar,
            "bhar_tests": long_run.tests,
            "calendar_time": long_run.calendar_time,
            "bhar_dropped": long_run.dropped,
        }
    if claims is not None:
        found |= {"claims": claims.summary_frame(), "claim_numbers": claims.numbers}
    if backtest is not None:
        found |= _trading_frames(backtest)
    return found


def _study_frames(study: StudyResult) -> dict[str, pd.DataFrame]:
    from eventstudy.report.lead import lead_group

    return {
        "abnormal": study.abnormal,
        "cars": study.cars,
        "tests": study.tests,
        "effects": study.effects,
        "dropped": study.dropped,
        "overlaps": study.overlaps,
        "multiple": study.multiple,
        "identification": study.identification,
        "merged": study.merged,
        "readings": study.reading_verdicts,
        "survivors": study.survivors,
        "sensitivity": study.sensitivity(lead_group(study)),
    }


def _trading_frames(backtest: BacktestResult) -> dict[str, pd.DataFrame]:
    return {
        "trades": backtest.trades,
        "orders": backtest.orders,
        "equity": backtest.equity,
        "metrics": backtest.metrics,
        "skipped": backtest.skipped,
        "luck": backtest.evidence.luck,
        "frictions": backtest.evidence.sensitivity,
        "placebo": backtest.evidence.placebo,
        "monthly": backtest.monthly,
        "attribution": backtest.attribution,
        "attribution_by": backtest.attribution_by,
    }


def _activity_tests(results: Sequence[ActivityResult]) -> pd.DataFrame:
    """Return the tests on volume and on variance as one table."""
    import pandas as pd

    parts = [result.tests.assign(measure=result.what) for result in results]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["measure", *(c for c in frame.columns if c != "measure")]]


@dataclass(frozen=True, eq=False)
class LongTable(FolderWriter):
    """Writes a table of many rows: in a run's folder by parts of `ROWS_OF_A_PART` rows.

    Attributes
    ----------
    frame : DataFrame
    """

    frame: pd.DataFrame

    def __call__(self, file: BinaryIO) -> object:
        """Write all rows into one file."""
        return self.frame.to_parquet(file, index=False)

    def into(self, folder: Path, name: str) -> object:
        """Write the parts ``folder/name/part-00000.parquet`` and so on."""
        with PartWriter(folder, name, rows=ROWS_OF_A_PART) as writer:
            for begin in range(0, len(self.frame), ROWS_OF_A_PART):
                writer.write(self.frame.iloc[begin : begin + ROWS_OF_A_PART])
        return None


def writer_of(frame: pd.DataFrame, fmt: str) -> Writer:
    """Return what writes a table in a format, csv or parquet; a long one as Parquet by parts."""
    if fmt == "parquet" and len(frame) > ROWS_OF_A_PART:
        return LongTable(frame)
    if fmt == "parquet":
        return lambda file: frame.to_parquet(file, index=False)
    return lambda file: frame_without_formulas(frame).to_csv(file, **PLAIN)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV, every figure whole; no text of it is a formula to a spreadsheet."""
    return str(frame_without_formulas(frame).to_csv(**PLAIN))


def plain_kinds(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns hold one kind of value each: words and numbers as words."""
    from pandas.api.types import infer_dtype

    mixed = [name for name in frame.columns if infer_dtype(frame[name]).startswith("mixed")]
    return frame.assign(**{name: frame[name].map(str) for name in mixed}) if mixed else frame
