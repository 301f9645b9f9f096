"""What is fuzzed: one target a kind of file, with its seeds and what its answers must keep."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import eventstudy as es
from fuzzing import samples
from fuzzing.made import made_parquet
from fuzzing.oracle import EMPTY, Answer, answered, filled_rows, promise, records_of

FIELDS = ("open", "high", "low", "close", "adj_close", "volume", "dividends")


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Attributes
    ----------
    name : str
    what : str
        What is called.
    seeds : callable
        Returns the files to begin with.
    run : callable
        Takes the bytes of a file, returns an `Answer` and raises where a promise is broken.
    text : bool
        Whether mutations of cells and lines make sense.
    """

    name: str
    what: str
    seeds: Callable[[], Iterator[bytes]]
    run: Callable[[bytes], Answer]
    text: bool = True


@cache
def _folder() -> Path:
    """One folder for this process: inputs are written over each other."""
    kept = tempfile.TemporaryDirectory(prefix="fuzz-")
    _KEPT.append(kept)
    return Path(kept.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def _put(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


# Calendars ---------------------------------------------------------------------------------------


def _calendar(data: bytes) -> Answer:
    path = _put("events.csv", data)

    def run() -> int:
        events = es.read_events(path, calendar=None)
        records = records_of(data)
        if records is not None:
            promise(len(events) == filled_rows(records), f"{len(events)} events of the file's rows")
        aligned = es.read_events(path)
        promise(len(aligned) == len(events), "alignment lost an event")
        promise(aligned.columns().main.shape == (len(events),), "columns lost an event")
        return len(events)

    return answered(run, ("events.csv",), data, rows=True)


def _calendar_seeds() -> Iterator[bytes]:
    yield from samples.variants(samples.CALENDAR)
    yield b"event_id,date,tickers\nx,2024-12-12,../../etc/passwd\ny,2024-12-12,CON;BRK.B;^GSPC\n"
    yield "event_id,date,tickers\nx,1900-01-01,3661.TW\ny,2100-12-31,博通\n".encode()


def _calendar_parquet(data: bytes) -> Answer:
    content = made_parquet(data[1:]) if data[:1] == b"m" else data
    path = _put("events.parquet", content)

    def run() -> int:
        events = es.read_events(path, calendar=None)
        return len(es.read_events(path)) if len(events) else 0

    return answered(run, ("events.parquet",), content, rows=False)


def _calendar_parquet_seeds() -> Iterator[bytes]:
    yield samples.parquet(samples.calendar_columns())
    yield samples.parquet(samples.price_columns())
    yield b""
    yield b"PAR1"
    yield from _recipes()


def _recipes() -> Iterator[bytes]:
    chance = np.random.default_rng(5)
    for _ in range(40):
        yield b"m" + chance.integers(0, 256, 60, dtype=np.uint8).tobytes()


# study.toml and claims ---------------------------------------------------------------------------


def _toml(data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    return tomllib.loads(text)


def _study(data: bytes) -> Answer:
    from eventstudy.run.config import read_config

    path = _put("study.toml", data)

    def run() -> int:
        asked = read_config(str(path), {})
        asked.all_baskets()
        asked.known_days()
        given = _toml(data)
        promise(set(given) <= set(type(asked).model_fields), "a key was passed over")
        return len(given)

    return answered(run, ("study.toml",), data, rows=False)


def _study_seeds() -> Iterator[bytes]:
    yield from samples.variants(samples.STUDY)
    yield b"events = " + b"[" * 4000
    yield b"seed = " + b"9" * 5000
    yield b"a" + b".a" * 4000 + b" = 1"
    yield b"capital = inf\nestimation = true\nstart = 2024-01-01\nrisk_free = nan\n"
    yield '[assume_known]\nearnings = "²d"\nkeynote = 99999999999999999999\n'.encode()
    yield b'[baskets]\nASIC = { AVGO = nan }\n"" = []\n'


def _claims(data: bytes) -> Answer:
    from eventstudy.claims.read import read_claims

    path = _put("claims.toml", data)

    def run() -> int:
        found = read_claims(path)
        promise(len(found.items) == len(_toml(data)["claims"]), "a claim was passed over")
        return len(found.items)

    return answered(run, ("claims.toml",), data, rows=False)


def _claims_seeds() -> Iterator[bytes]:
    article = (files("eventstudy.claims") / "article.toml").read_text(encoding="utf-8")
    yield article.encode()
    for part in article.split("[[claims]]")[1:]:
        yield ("[[claims]]" + part).encode()
    yield from samples.variants("[[claims]]" + article.split("[[claims]]")[1])
    yield b"claims = " + b"[" * 4000


# Prices ------------------------------------------------------------------------------------------


def _figures(table: Any) -> int:
    return sum(int((~np.isnan(getattr(table, name))).sum()) for name in FIELDS)


def _stated(data: bytes) -> int | None:
    """Return how many figures a CSV of prices holds, by its header; None where that is open."""
    records = records_of(data)
    rows = [cells for cells in (records or {}).values() if cells]
    if not rows:
        return None
    head = [cell.strip().casefold().replace(" ", "_").replace("-", "_") for cell in rows[0]]
    plain = {"close", "adj_close", "adjclose", "adjusted_close"}
    if plain.isdisjoint(head):
        return None
    known = {*FIELDS, "adjclose", "adjusted_close", "dividend"}
    at = [i for i, name in enumerate(head) if name in known]
    return sum(row[i].strip().casefold() not in EMPTY for row in rows[1:] for i in at)


def _prices(data: bytes) -> Answer:
    path = _put("AVGO.csv", data)

    def run() -> int:
        table = es.load_prices(source=path, check=False)
        stated = _stated(data)
        if stated is not None and not table.missing:
            promise(_figures(table) == stated, f"{_figures(table)} figures of {stated} were read")
        checked = es.load_prices(source=path)
        _ = checked.returns, checked.cash_dividends
        return len(table.dates)

    return answered(run, ("AVGO.csv",), data, rows=True)


def _prices_seeds() -> Iterator[bytes]:
    for text in (samples.SINGLE, samples.LONG, samples.WIDE):
        yield from samples.variants(text)
    yield b"date,ticker,close\n"
    yield b"date,ticker,close\n2024-03-01,A\x00,1\n2024-03-01,A,1\n"
    yield b"date,close\n0001-01-01,1e-320\n9999-12-31,1e308\n"


def _prices_folder(data: bytes) -> Answer:
    place = _folder() / "quotes"
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    names = []
    for part in data.split(b"\x1c")[1:9]:
        name, _, content = part.partition(b"\x1d")
        plain = "".join(c for c in name.decode("utf-8", "replace") if c.isprintable())[:60]
        if plain not in ("", ".", "..") and "/" not in plain and len(plain.encode()) < 200:
            (place / plain).write_bytes(content)
            names.append(plain)

    def run() -> int:
        everything = es.load_prices(source=place)
        asked = es.load_prices(["AVGO", "BRK.B"], source=place, check=False)
        both = set(everything.tickers) & set(asked.tickers)
        for ticker in both:
            one, other = everything.digest(ticker), asked.digest(ticker)
            promise(one == other, f"{ticker} differs by what else is asked for")
        return len(everything.dates)

    return answered(run, ("quotes", *names), data, rows=False)


def _prices_folder_seeds() -> Iterator[bytes]:
    single, wide = samples.SINGLE.encode(), samples.WIDE.encode()
    payouts = samples.PAYOUTS.encode()
    yield samples.folder({"AVGO.csv": single, "BRK.B.csv": single, "dividends.csv": payouts})
    yield samples.folder({"long.csv": samples.LONG.encode(), "dividends.csv": payouts})
    yield samples.folder({"wide.csv": wide, "avgo.csv": single})
    yield samples.folder({"AVGO.csv": b"", "BRK.B.csv": single, "notes.csv": b"a,b\n1,2\n"})
    yield samples.folder({"dividends.csv": payouts, "CON.csv": single, "=1+1.csv": single})
    yield samples.folder({"AVGO.parquet": samples.parquet(samples.price_columns())})
    yield samples.folder({"long.parquet": samples.parquet(samples.long_columns())})
    for spoilt in samples.variants(samples.PAYOUTS):
        yield samples.folder({"AVGO.csv": single, "dividends.csv": spoilt})


def _prices_parquet(data: bytes) -> Answer:
    content = made_parquet(data[1:]) if data[:1] == b"m" else data
    path = _put("AVGO.parquet", content)

    def run() -> int:
        table = es.load_prices(source=path)
        other = es.load_prices(source=f"parquet:{path}", check=False)
        shared = set(table.tickers) & set(other.tickers)
        for ticker in shared:
            same = table.digest(ticker) == other.digest(ticker)
            promise(same, f"{ticker}: a file and a data set of one file differ")
        return len(table.dates)

    return answered(run, ("AVGO.parquet",), content, rows=False)


def _prices_parquet_seeds() -> Iterator[bytes]:
    yield samples.parquet(samples.price_columns())
    yield samples.parquet(samples.long_columns())
    days = np.array(["2024-03-01", "2024-03-04"], dtype="datetime64[D]")
    yield samples.parquet({"date": days, "BRK": [1.0, 2.0], "BRK.B": [10.0, 20.0]})
    yield b""
    yield b"PAR1"
    yield from _recipes()


# Factors, cache, drafts --------------------------------------------------------------------------


def _is_plain(data: bytes) -> bool:
    """Return whether the first line with anything on it has a cell ``date``."""
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n").split(b"\n")
    first = next((line for line in lines if line.strip(b" ,")), b"")
    return b"date" in [cell.strip().strip(b'"').lower() for cell in first.split(b",")]


def _factors(data: bytes) -> Answer:
    path, plain = _put("factors.csv", data), _is_plain(data)

    def run() -> int:
        table = es.load_factors(path, units="percent" if plain else None, check=False)
        records = records_of(data)
        if plain and records is not None:
            rows = filled_rows({i: r for i, r in records.items() if any(c.strip() for c in r)})
            promise(len(table.dates) == rows, f"{len(table.dates)} dates of {rows} rows")
        es.load_factors(path, units="percent" if plain else None)
        return len(table.dates)

    return answered(run, ("factors.csv",), data, rows=plain)


def _factors_seeds() -> Iterator[bytes]:
    for text in (samples.FACTORS, samples.FRENCH):
        yield from samples.variants(text)
    yield samples.zipped({"F-F.csv": samples.FRENCH.encode()})
    yield samples.zipped({"a.csv": b"", "b.csv": b""})
    yield samples.zipped({"F-F.csv": b"0" * 100_000})[:-30]


def _cache(data: bytes) -> Answer:
    from eventstudy.prices.cache import read_cached

    path = _put("CACHED.parquet", data)
    found, trouble = read_cached(path)
    promise((found is None) == bool(trouble), "neither prices nor a reason, or both")
    if found is None:
        return Answer("error", (trouble,))
    promise(found.seal() == _written().seal(), "other figures than were written")
    return Answer("result", ("as written",))


@cache
def _written() -> Any:
    from eventstudy.prices.cache import read_cached

    found, _ = read_cached(_put("WRITTEN.parquet", samples.cache_file()))
    promise(found is not None, "what was written cannot be read")
    return found


def _cache_seeds() -> Iterator[bytes]:
    whole = samples.cache_file()
    yield whole
    yield whole[:-1]
    yield whole[: len(whole) // 2]
    yield whole[:-4] + b"PARX"
    yield samples.parquet(samples.price_columns())
    yield b""
    chance = np.random.default_rng(6)
    for at in chance.integers(0, len(whole), 20).tolist():
        yield whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :]


def _drafts(data: bytes) -> Answer:
    from eventstudy.drafts.file import file_drafts

    path = _put("theirs.csv", data)

    def run() -> int:
        drafts = file_drafts(path)
        records = records_of(data)
        if records is not None:
            rows = filled_rows(records)
            promise(len(drafts.frame) == rows, f"{len(drafts.frame)} drafts of {rows} rows")
        return len(drafts.frame)

    return answered(run, ("theirs.csv",), data, rows=True)


def _drafts_seeds() -> Iterator[bytes]:
    yield from samples.variants(samples.DRAFTS)
    yield from samples.variants(samples.CALENDAR)
    yield "date,ticker\n2024-12-12 ٣:٣٠,AVGO\n03/04/2024,A\n13/13/2024,B\n".encode()


TARGETS = {
    target.name: target
    for target in (
        Target("calendar", "read_events of a CSV file", _calendar_seeds, _calendar),
        Target("calendar-parquet", "read_events of a Parquet file", _calendar_parquet_seeds,
               _calendar_parquet, text=False),
        Target("study", "study.toml", _study_seeds, _study),
        Target("claims", "read_claims", _claims_seeds, _claims),
        Target("prices", "load_prices of a CSV file", _prices_seeds, _prices),
        Target("prices-folder", "load_prices of a folder", _prices_folder_seeds, _prices_folder),
        Target("prices-parquet", "load_prices of a Parquet file", _prices_parquet_seeds,
               _prices_parquet, text=False),
        Target("factors", "load_factors of a file", _factors_seeds, _factors),
        Target("cache", "a file of the price cache", _cache_seeds, _cache, text=False),
        Target("drafts", "events import --from FILE", _drafts_seeds, _drafts),
    )
}  # fmt: skip
