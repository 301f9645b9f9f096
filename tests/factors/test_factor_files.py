"""Files of factors in every layout, and the mistakes that files hold. All figures are made up."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.errors import InputError, UnknownNameError
from eventstudy.factors import FactorError, FactorTable, canonical_name, load_factors

FIVE = """\
This file was created by hand using no database at all.
The 1-month TBill rate is invented, from nobody, Inc.

,Mkt-RF,SMB,HML,RMW,CMA,RF
20210104,  -1.25,   0.50,   0.25,   0.10,  -0.05,   0.002
20210105,   0.75,  -0.25,   0.00,  -0.10,   0.05,   0.002
20210106,   0.50, -99.99,   1.00,   0.20,-999,   0.002

Copyright 2021 Nobody at All
"""
MOMENTUM = """\
This file has no figures of anyone's.

Missing data are indicated by -99.99 or -999.


,Mom   
20210104,   0.40
20210105,  -0.80
20210107,   1.20

Copyright 2021 Nobody at All
"""  # noqa: W291 - the real file's header ends in blanks

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(content: str | bytes, name: str = "factors.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def zipped(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def problems(path: Path | pd.DataFrame | list[Path], **options: object) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_factors(path, **options)  # type: ignore[arg-type]
    return [str(fault) for fault in caught.value.faults]


def plain(n: int = 30, scale: float = 1.0, **changes: dict[int, str]) -> str:
    """n weekdays of 2022 with moves of about one per cent, in per cent times `scale`."""
    dates = np.busday_offset("2022-01-03", np.arange(n), roll="forward")
    rows = [
        [str(d), f"{(-1) ** i * scale:g}", f"{(-1) ** (i // 2) * scale / 2:g}", f"{0.004 * scale}"]
        for i, d in enumerate(dates)
    ]
    for column, cells in changes.items():
        for i, text in cells.items():
            rows[i][("date", "mkt_rf", "smb", "rf").index(column)] = text
    return "\n".join(["date,mkt_rf,smb,rf", *(",".join(row) for row in rows), ""])


def test_the_library_layout_is_read_in_per_cent(put: Put) -> None:
    table = load_factors(put(FIVE))
    assert table.names == ("mkt_rf", "smb", "hml", "rmw", "cma", "rf")
    np.testing.assert_array_equal(table.dates, days("2021-01-04", "2021-01-05", "2021-01-06"))
    expected = [
        [-0.0125, 0.005, 0.0025, 0.001, -0.0005, 0.00002],
        [0.0075, -0.0025, 0.0, -0.001, 0.0005, 0.00002],
        [0.005, np.nan, 0.01, 0.002, np.nan, 0.00002],
    ]
    np.testing.assert_allclose(table.values, expected, rtol=1e-15)
    assert table.source == "factors.csv"
    assert [n.split(": ", 1)[1] for n in table.notes] == [
        "1 figures of SMB are coded as missing.",
        "1 figures of CMA are coded as missing.",
    ]


def test_units_of_the_library_are_known(put: Put) -> None:
    same = load_factors(put(FIVE), units="percent")
    assert same.sha256 == load_factors(put(FIVE)).sha256
    (told,) = problems(put(FIVE), units="decimal")
    assert 'units="decimal" contradicts the file' in told


def test_momentum_is_joined_by_date(put: Put) -> None:
    table = load_factors([put(FIVE), put(MOMENTUM, "mom.csv")])
    assert table.names[-1] == "mom"
    np.testing.assert_array_equal(
        table.dates, days("2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07")
    )
    np.testing.assert_allclose(table.column("mom"), [0.004, -0.008, np.nan, 0.012], rtol=1e-15)
    np.testing.assert_allclose(table.column("mkt_rf"), [-0.0125, 0.0075, 0.005, np.nan])
    assert table.source == "factors.csv, mom.csv"


@pytest.mark.parametrize("lines", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings_and_line_ends(put: Put, encoding: str, lines: str) -> None:
    text = FIVE.replace("Copyright", "Copyright ©").replace("\n", lines)
    assert load_factors(put(text.encode(encoding))).sha256 == load_factors(put(FIVE)).sha256
    text = plain().replace("\n", lines)
    found = load_factors(put(text.encode(encoding)), units="percent")
    assert found.sha256 == load_factors(put(plain()), units="percent").sha256


def test_an_archive_of_one_file(put: Put) -> None:
    packed = zipped({"F.CSV": FIVE, "__MACOSX/._F.CSV": "x", "read.me": "y"})
    table = load_factors(put(packed, "five.zip"))
    assert table.sha256 == load_factors(put(FIVE)).sha256
    # The bytes decide, not the name.
    assert load_factors(put(packed, "five.csv")).sha256 == table.sha256


def test_archives_that_cannot_be_read(put: Put) -> None:
    two = zipped({"A.CSV": FIVE, "B.csv": FIVE})
    assert "it holds A.CSV, B.csv" in problems(put(two, "two.zip"))[0]
    assert "it holds none" in problems(put(zipped({"readme": "x"}), "none.zip"))[0]
    assert "not a zip archive" in problems(put(b"nothing", "no.zip"))[0]
    whole = zipped({"A.CSV": FIVE * 40})
    assert "not a zip archive" in problems(put(whole[: len(whole) // 2], "cut.zip"))[0]
    broken = bytearray(whole)
    broken[60:70] = bytes(10)
    assert "not a zip archive" in problems(put(bytes(broken), "broken.zip"))[0]


def test_a_monthly_file_is_refused(put: Put) -> None:
    monthly = (
        "Words.\n\n,Mkt-RF,SMB,HML,RF\n202101, 1.0, 2.0, 3.0, 0.01\n202102, 1.0, 2.0, 3.0, 0.01\n"
        "\n Annual Factors: January-December \n,Mkt-RF,SMB,HML,RF\n2021, 20.0, 3.0, 4.0, 0.1\n"
    )
    (told,) = problems(put(monthly))
    assert "row 4: '202101': monthly figures (dates of 6 digits)" in told
    assert "_daily" in told
    (told,) = problems(put(",Mkt-RF\n2020, 20.0\n2021, 3.0\n"))
    assert "annual figures (dates of 4 digits)" in told


def test_a_second_table_is_left_out_with_a_word(put: Put) -> None:
    second = FIVE.replace("Copyright 2021 Nobody at All\n", "") + (
        "  Average Equal Weighted Returns -- Daily\n"
        ",Mkt-RF,SMB,HML,RMW,CMA,RF\n20210104, 9, 9, 9, 9, 9, 9\n"
    )
    table = load_factors(put(second))
    assert table.sha256 == load_factors(put(FIVE)).sha256
    assert "only the first table is read; the one from line 10 on" in table.notes[-1]
    assert "(Average Equal Weighted Returns -- Daily) is left out" in table.notes[-1]


def test_rows_below_a_blank_line_are_not_lost(put: Put) -> None:
    text = FIVE.replace("20210106", "\n20210106")
    (told,) = problems(put(text))
    assert "row 8, column date: '20210106': a row after the end of the table (line 7)" in told


def test_a_row_of_letters_does_not_end_the_table(put: Put) -> None:
    text = FIVE.replace("20210105,", "2021O105,")  # a letter O
    (told,) = problems(put(text))
    assert "row 6, column date: '2021O105': not a date; write yyyymmdd" in told
    text = FIVE.replace("20210105,", "n.a.,")
    assert "row 6, column date: 'n.a.'" in problems(put(text))[0]


def test_plain_files_state_no_units(put: Put) -> None:
    (told,) = problems(put(plain()))
    assert 'give units="percent" (--factor-units percent) where 0.25 means 0.25%' in told
    assert 'units="decimal" (--factor-units decimal) where 0.0025 does' in told
    with pytest.raises(FactorError, match="units is 'bp'; allowed are 'percent' and 'decimal'"):
        load_factors(put(plain()), units="bp")  # type: ignore[arg-type]


def test_per_cent_and_decimals_are_one_table(put: Put) -> None:
    table = load_factors(put(plain()), units="percent")
    np.testing.assert_allclose(table.column("mkt_rf")[:3], [0.01, -0.01, 0.01], rtol=1e-15)
    np.testing.assert_allclose(table.column("rf"), 0.00004, rtol=1e-14)
    decimal = load_factors(put(plain(scale=0.01)), units="decimal")
    np.testing.assert_allclose(decimal.values, table.values, rtol=1e-14)


def test_wrong_units_are_refused_with_what_was_seen(put: Put) -> None:
    told = problems(put(plain()), units="decimal")
    assert len(told) == 2  # 0.4% a day is the most that a riskless rate may be
    assert (
        'column mkt_rf: with units="decimal" the median size of 30 returns is 100% per' in told[0]
    )
    assert "0.05% to 5% is plausible. Are the figures in percent?" in told[0]
    told = problems(put(plain(scale=0.01)), units="percent")
    assert "the median size of 30 returns is 0.01% per session" in told[0]
    assert "Are the figures in decimal?" in told[0]
    kept = load_factors(put(plain()), units="decimal", check=False)
    assert kept.column("mkt_rf")[0] == 1.0


def test_a_few_rows_in_wrong_units_are_seen_by_their_size(put: Put) -> None:
    told = problems(put(plain(5, mkt_rf={2: "-2.45"}, smb={})), units="decimal")
    assert "row 4, column mkt_rf: '-2.45': with units=\"decimal\" a move of 245%" in told[2]


def test_a_yearly_riskless_rate_is_refused(put: Put) -> None:
    text = plain(rf=dict.fromkeys(range(30), "4.5"))
    (told,) = problems(put(text), units="percent")
    assert "column rf" in told
    assert "the median of 30 riskless rates is 4.500% per session" in told


def test_a_missing_code_in_a_plain_file_is_no_return(put: Put) -> None:
    (told,) = problems(put(plain(smb={3: "-99.99"})), units="percent")
    assert "row 5, column smb: '-99.99': a code for a missing figure; leave the cell empty" in told


def test_all_faults_at_once(put: Put) -> None:
    text = plain(
        date={4: "2022-13-01", 10: "2022-01-14", 20: "03/02/2022", 25: "2022-01-05"},
        mkt_rf={2: "1.O", 6: "inf", 7: "1_0"},
        smb={3: "", 8: "nan", 9: "0.3%"},
    ).replace("2022-01-28,-1", "2022-01-28,-1,7,7,7")
    told = problems(put(text), units="percent")
    assert [t.split("factors.csv, ")[1] for t in told] == [
        "row 4, column mkt_rf: '1.O': not a number; write -0.12, or nothing where it is missing",
        "row 6, column date: '2022-13-01': no such day in the calendar",
        "row 8, column mkt_rf: 'inf': not a number; write -0.12, or nothing where it is missing",
        "row 9, column mkt_rf: '1_0': not a number; write -0.12, or nothing where it is missing",
        "row 11, column smb: '0.3%': not a number; write -0.12, or nothing where it is missing",
        "row 21: 7 cells where the header has 4",
        "row 22, column date: '03/02/2022': not a date; write YYYY-MM-DD",
        "row 12, column date: '2022-01-14': this date stands in row 11 already",
        "row 27, column date: '2022-01-05': this date stands in row 4 already",
    ]


def test_dates_out_of_order_and_gaps(put: Put) -> None:
    text = plain(date={1: "2022-01-01"})
    (told,) = problems(put(text), units="percent")
    assert "row 3, column date: '2022-01-01': earlier than the row before (2022-01-03)" in told
    lines = plain(60).splitlines()
    del lines[20:31]  # 2022-01-27 and 2022-02-14 are left as neighbours
    (told,) = problems(put("\n".join(lines)), units="percent")
    assert "row 21, column date: '2022-02-14': 18 days after the last date before" in told
    assert "it (2022-01-27), 14 are allowed" in told
    del lines[20:]
    assert len(load_factors(put("\n".join(lines)), units="percent").dates) == 19
    # Fourteen days apart is a long holiday.
    lines = plain(60).splitlines()
    del lines[20:29]
    assert len(load_factors(put("\n".join(lines)), units="percent").dates) == 51
    del lines[20]
    assert "15 days after" in problems(put("\n".join(lines)), units="percent")[0]


def test_weekly_figures_are_refused(put: Put) -> None:
    dates = np.datetime64("2021-01-01") + 7 * np.arange(30)
    rows = [f"{str(d).replace('-', '')}, 1.0, 0.5" for d in dates]
    (told,) = problems(put("\n".join(["x", ",Mkt-RF,SMB", *rows])))
    assert "rows are 7 days apart in the median: figures per session are needed" in told


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        (" \n,,\n", "the file is empty"),
        ("date,mkt_rf\n", "there is no row under the header"),
        ("date\n2022-01-03\n", "there is no column of factors"),
        ("Words, no header\n20220103, 1\n", "no header was found"),
        ("day,mkt_rf\n2022-01-03,1\n", "row 1: 'day,mkt_rf': no header was found"),
        (",mkt_rf\n2022-01-03,1\n", "no header was found"),
        ("date;mkt_rf\n2022-01-03;1\n", "no header was found"),
        ("date,Mkt-RF,mkt_rf\n2022-01-03,1,1\n", "the same factor as column Mkt-RF"),
        ("date,UMD,WML\n2022-01-03,1,1\n", "the same factor as column UMD"),
        ("date,mkt_rf,,smb\n2022-01-03,1,1,1\n", "a column without a name"),
        ('date,"mkt\n2022-01-03,1\n', "cannot be read"),
        ("date,mkt_rf,smb\n2022-01-03,1,\n", "column smb: holds no figure"),
        ("date,mkt\x00\n2022-01-03,1\n", "row 1: a zero byte, which no text has"),
    ],
)
def test_files_that_are_none(put: Put, text: str, problem: str) -> None:
    assert any(problem in told for told in problems(put(text), units="percent"))


def test_commas_at_the_end_of_every_line_are_harmless(put: Put) -> None:
    text = "date,mkt_rf,\n2022-01-03,1.5,\n2022-01-04,-0.5,\n"
    np.testing.assert_allclose(
        load_factors(put(text), units="percent").values, [[0.015], [-0.005]], rtol=1e-15
    )


def test_the_date_may_stand_anywhere_and_have_a_midnight(put: Put) -> None:
    text = "Mkt-RF,Date,UMD\n1.5,2022-01-03 00:00:00,0.5\n-0.5,2022-01-04T00:00,-1\n1,20220105,2\n"
    table = load_factors(put(text), units="percent")
    np.testing.assert_array_equal(table.dates, days("2022-01-03", "2022-01-04", "2022-01-05"))
    assert table.names == ("mkt_rf", "mom")
    np.testing.assert_allclose(table.values, [[0.015, 0.005], [-0.005, -0.01], [0.01, 0.02]])


def test_names() -> None:
    known = {
        "Mkt-RF": "mkt_rf", "Mkt-Rf": "mkt_rf", "Mkt.RF": "mkt_rf", "MKT_RF": "mkt_rf",
        "MktRF": "mkt_rf", "Rm-Rf": "mkt_rf", "Mom   ": "mom", "UMD": "mom", "WML": "mom",
        "RF": "rf", "SMB": "smb", " hml ": "hml", "Lo 30": "lo_30", "VIX change": "vix_change",
        "mkt": "mkt",
    }  # fmt: skip
    assert {given: canonical_name(given) for given in known} == known


def test_a_frame(put: Put) -> None:
    table = load_factors(put(plain()), units="percent")
    frame = pd.read_csv(put(plain()), parse_dates=["date"])
    before = frame.copy()
    for one in (frame, frame.set_index("date"), frame.astype({"date": str})):
        found = load_factors(one, units="percent")
        assert found.sha256 == table.sha256
        assert found.source == "frame"
    pd.testing.assert_frame_equal(frame, before)
    taipei = frame.set_index(frame["date"].dt.tz_localize("Asia/Taipei")).drop(columns="date")
    assert load_factors(taipei, units="percent").sha256 == table.sha256


def test_frames_that_are_none() -> None:
    frame = pd.DataFrame({"mkt_rf": [1.0, 2.0]})
    with pytest.raises(FactorError, match="is int64; dates are needed there"):
        load_factors(frame, units="percent")
    index = pd.DatetimeIndex(["2022-01-03", "2022-01-04"])
    (told,) = problems(frame.set_index(index))
    assert told.startswith("frame: its units are not stated")
    (told,) = problems(frame.set_index(index[[0, 0]]), units="percent")
    assert told.startswith("frame, row 3, column date: '2022-01-03': this date stands in row 2")
    words = pd.DataFrame({"mkt_rf": [1.0, "two"]}, index=index)
    assert "row 3, column mkt_rf: 'two': not a number" in problems(words, units="percent")[0]
    wide = pd.DataFrame([[1.0]], index[:1], pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(FactorError, match="several rows of column names"):
        load_factors(wide, units="percent")


def test_sources_that_are_none(put: Put, tmp_path: Path) -> None:
    put(plain())
    (told,) = problems(tmp_path / "factor.csv", units="percent")
    assert "no such file, and no name of a source (french, french-3) (did you mean" in told
    assert "'factors.csv'?)" in told
    assert "this is a folder" in problems(tmp_path)[0]
    for source in (3, {"a": 1}):
        with pytest.raises(FactorError, match=r"factors cannot be read from a (int|dict)"):
            load_factors(source)  # type: ignore[arg-type]
    with pytest.raises(FactorError, match="no source"):
        load_factors([])


def test_files_that_disagree_say_where(put: Put) -> None:
    other = FIVE.replace("   0.75,", "   0.76,")
    (told,) = problems([put(FIVE), put(other, "other.csv")])
    assert told == (
        "other.csv, column mkt_rf: differs from factors.csv on 1 of 3 shared dates, first on "
        "2021-01-05: 0.0076 here, 0.0075 there; leave it out of one of them"
    )
    # What one lacks, the other may give.
    filled = FIVE.replace("-99.99", "0.30")
    table = load_factors([put(FIVE), put(filled, "filled.csv")])
    assert table.column("SMB")[2] == pytest.approx(0.003)
    other_way = load_factors([put(filled, "filled.csv"), put(FIVE)])
    assert other_way.sha256 == table.sha256
    assert len(table.names) == 6


def test_faults_of_several_files_come_together(put: Put) -> None:
    told = problems([put(FIVE.replace("0.75", "x")), put("", "empty.csv"), put(plain(), "p.csv")])
    assert len(told) == 3
    assert "column Mkt-RF: 'x'" in told[0]
    assert "empty.csv: the file is empty" in told[1]
    assert "p.csv: its units are not stated" in told[2]


def test_on_sessions(put: Put) -> None:
    table = load_factors(put(FIVE))
    asked = days("2020-12-31", "2021-01-05", "2021-01-06", "2021-01-07")
    np.testing.assert_allclose(
        table.on_sessions(asked, ["hml", "mkt_rf"]),
        [[np.nan, np.nan], [0.0, 0.0075], [0.01, 0.005], [np.nan, np.nan]],
    )
    np.testing.assert_array_equal(table.on_sessions(table.dates), table.values)
    assert table.on_sessions(days(), ["rf"]).shape == (0, 1)
    with pytest.raises(UnknownNameError, match=r"unknown factor 'mom'.*known: cma, hml"):
        table.on_sessions(asked, ["mom"])
    with pytest.raises(UnknownNameError, match=r"unknown factor 'smbb' \(did you mean 'smb'\?\)"):
        table.column("smbb")


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=60),
    st.lists(st.integers(-20, 420), max_size=40, unique=True).map(sorted),
)
@settings(max_examples=50, deadline=None)
def test_on_sessions_is_a_look_up_by_date(held: set[int], asked: list[int]) -> None:
    start = np.datetime64("2020-01-01")
    kept = sorted(held)
    table = FactorTable(start + np.array(kept), ("a",), np.array(kept, float)[:, None], "made")
    found = table.on_sessions(start + np.array(asked, dtype=int))[:, 0]
    expected = [float(day) if day in held else np.nan for day in asked]
    np.testing.assert_array_equal(found, expected)


def test_the_digest_is_of_the_figures(put: Put) -> None:
    table = load_factors(put(FIVE))
    assert load_factors(put(FIVE.replace("  -1.25", "-1.250"), "b.csv")).sha256 == table.sha256
    for change in (("-1.25", "-1.26"), ("20210104", "20210103"), ("HML", "HMX"), ("-999", "0")):
        assert load_factors(put(FIVE.replace(*change), "c.csv")).sha256 != table.sha256


def test_a_table_is_in_order_or_is_none() -> None:
    day = days("2021-01-05", "2021-01-04")
    with pytest.raises(FactorError, match="must ascend"):
        FactorTable(day, ("a",), np.zeros((2, 1)), "made")
    with pytest.raises(FactorError, match=r"shape \(2, 2\), \(2, 1\) is needed"):
        FactorTable(day[::-1], ("a",), np.zeros((2, 2)), "made")
    with pytest.raises(FactorError, match="stands twice"):
        FactorTable(day[::-1], ("a", "a"), np.zeros((2, 2)), "made")


@pytest.mark.vendor
def test_real_factors_load(vendor: Path, put: Put) -> None:
    path = vendor.parent / "factors" / "ff5_mom_daily.csv"
    if not path.is_file():
        pytest.skip("the folder of real factors, ../shared/factors, is missing")
    table = load_factors(path, units="percent")
    frame = pd.read_csv(path, index_col="date")
    assert table.names == tuple(frame.columns)
    np.testing.assert_allclose(table.values, frame.to_numpy() / 100, rtol=1e-14)
    assert [str(d) for d in table.dates] == list(frame.index)
    assert np.isfinite(table.values).all()
    # In the library's own layout the same figures are the same table.
    frame.index = frame.index.str.replace("-", "")
    library = put("Words\n\n" + frame.to_csv().replace("date,mkt_rf", ",Mkt-RF", 1))
    assert load_factors(library).sha256 == table.sha256
    assert 'units="decimal" the median size of 1632 returns' in problems(path, units="decimal")[0]
