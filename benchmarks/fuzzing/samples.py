"""Small valid files of every kind that is read, and the ways in which a file goes wrong."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

CALENDAR = (
    "event_id,date,time,timezone,session,kind,subject,tickers,expects,use,known_on,title\n"
    'a1,2024-12-12,16:15,America/New_York,post,earnings,AVGO,AVGO;MRVL,@ASIC+,study,,"4Q, up"\n'
    "a2,2024-12-13,,,unknown,keynote,,NVDA;@GPU,NVDA-,context,2024-12-01,a talk\n"
    "a3,2025-01-07,09:30,,,,AMD,AMD,,,,\n"
)

STUDY = """\
events = "events.csv"
prices = "sample"
window = ["0,0", "-1,1", "2,10"]
model = ["market", "mean"]
strategy = ["asic-gpu-rotation:hold=5"]
observed = ["@ASIC", "@GPU", "@ASIC-@GPU:ex"]
estimation = 250
seed = 7
strict = false

[baskets]
ASIC = { AVGO = 0.7, MRVL = 0.3 }
CARS = ["TSLA", "GM"]

[costs]
commission_bp = 1
borrow = { AMD = 75 }

[limits]
gross = 2

[shortable]
MRVL = false

[assume_known]
earnings = "14d"
"""

SINGLE = (
    "date,open,high,low,close,adj_close,volume\n"
    "2024-03-01,10,11,9,10.5,10.4,1000\n"
    "2024-03-04,10.5,12,10,11.5,11.4,2000\n"
    "2024-03-05,11.5,12,11,11.75,11.65,\n"
)
LONG = (
    "date,ticker,close,volume\n"
    "2024-03-01,AVGO,10.5,100\n2024-03-01,BRK.B,400,7\n"
    "2024-03-04,AVGO,11.5,200\n2024-03-04,BRK.B,401.25,8\n"
)
WIDE = "date,AVGO,3661.TW,^GSPC\n2024-03-01,10.5,2000,5100\n2024-03-04,11.5,2010,\n"
PAYOUTS = "ticker,ex_date,amount\nAVGO,2024-03-04,0.05\n"

FACTORS = "date,mkt_rf,smb,rf\n2024-03-01,0.25,-0.10,0.021\n2024-03-04,-0.40,0.05,0.021\n"
FRENCH = (
    "This file was created by using the 202412 CRSP database.\n\n"
    ",Mkt-RF,SMB,HML,RF\n20240301,   0.25,  -0.10,   0.30,   0.021\n"
    "20240304,  -0.40,   0.05, -99.99,   0.021\n\n"
    "Copyright 2024 Eugene F. Fama and Kenneth R. French\n"
)

DRAFTS = (
    "Announcement Date,Symbol,Report Time,Company\n"
    "12/12/2024,AVGO,4:15 PM ET,Broadcom\n"
    '"Dec 13, 2024",NVDA,AMC,Nvidia\n'
)

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "latin-1")
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


def encoded(text: str, encoding: str) -> bytes:
    """Return a text in an encoding, letters that it lacks as question marks."""
    return text.encode(encoding, "replace")


def mixed_ends(text: str) -> str:
    """Return a text whose line ends take turns: LF, CRLF, CR."""
    lines, ends = text.split("\n"), ("\n", "\r\n", "\r")
    return "".join(line + ends[i % 3] for i, line in enumerate(lines[:-1])) + lines[-1]


def variants(text: str) -> Iterator[bytes]:
    """Yield a text as it is and spoilt in each way that files are spoilt."""
    for encoding in ENCODINGS:
        yield encoded(text.replace("a talk", "博通 naïve talk"), encoding)
    for end in LINE_ENDS.values():
        yield text.replace("\n", end).encode()
    lines = text.splitlines()
    head, first = lines[0], lines[1]
    cells = first.split(",")
    yield mixed_ends(text).encode()
    yield text.encode() + b"\x00"
    yield text.replace(",", ",\x00", 3).encode()
    yield text.replace(cells[0], "x" * 140_000, 1).encode()
    yield text.replace(cells[-1], "9" * 400, 1).encode()
    yield text.replace(head, f"{head},{head.split(',')[-1]}", 1).encode()
    yield text.replace("2024-", "03/04/", 1).encode()
    yield text.replace("2024-", "２０２４-", 1).encode()
    for word in ("nan", "inf", "-inf", "-5", "0", "1e999", "1_000", "2024-02-30", "0000-01-01"):
        yield "\n".join([head, first, ",".join([word] * len(cells)), ""]).encode()
        yield "\n".join([head, ",".join([*cells[:-1], word]), ""]).encode()
    yield text.replace(first, f'"{cells[0]}\n\n",' + ",".join(cells[1:]), 1).encode()
    yield (text + '"').encode()
    yield (text + "\n\n,,,\n" + first + ",more\n" + cells[0]).encode()
    yield text.replace(",", ";").encode()
    yield head.encode()
    yield text[: len(text) // 2].encode()


def folder(files: dict[str, bytes]) -> bytes:
    """Return files as one text: what stands between two marks is a file."""
    return b"".join(b"\x1c" + name.encode() + b"\x1d" + content for name, content in files.items())


def zipped(names: dict[str, bytes]) -> bytes:
    """Return an archive; dates are fixed, so that equal files make equal bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)
    return made.getvalue()


def parquet(columns: dict[str, Any]) -> bytes:
    """Return columns as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(pa.table(columns), made)
    return made.getvalue()


def calendar_columns() -> dict[str, Any]:
    """Return two events as columns of the types that programs write."""
    return {
        "event_id": ["a1", "a2"],
        "date": np.array(["2024-12-12", "2024-12-13"], dtype="datetime64[D]"),
        "tickers": [["AVGO", "MRVL"], ["NVDA"]],
        "session": ["post", None],
    }


def price_columns() -> dict[str, Any]:
    """Return two bars as columns."""
    days = np.array(["2024-03-01", "2024-03-04"], dtype="datetime64[D]")
    return {"date": days, "close": [10.5, 11.5], "volume": [1000, 2000]}


def long_columns() -> dict[str, Any]:
    """Return two bars of two tickers as columns."""
    days = np.array(["2024-03-01", "2024-03-01", "2024-03-04", "2024-03-04"], "datetime64[D]")
    return {"date": days, "ticker": ["AVGO", "BRK.B"] * 2, "close": [10.5, 400.0, 11.5, 401.0]}


def cache_file() -> bytes:
    """Return a file of the price cache as the program writes it."""
    from eventstudy.prices.cache import Cached, write_cached

    days = np.array(["2024-03-01", "2024-03-04"], dtype="datetime64[D]")
    fields = {"close": np.array([10.5, 11.5]), "volume": np.array([1000.0, 2000.0])}
    about = {"source": "yahoo", "complete_through": "2024-03-04", "timezone": "America/New_York"}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "AVGO.parquet"
        write_cached(path, Cached(days, fields, about))
        return path.read_bytes()
