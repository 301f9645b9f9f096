"""docs/bad-inputs.md: every bad input tried, and what it gets.

The cases are data, docs/bad-inputs.toml: the bytes of a file, said in words, and the answer that
was found right by a reader. The page is put together from them, and the suite reads every file and
holds the answer against the list, so that the page cannot say what is not so.

    python benchmarks/bad_inputs.py [--check] [--answers]

--check writes nothing and fails where the page or an answer is stale; --answers prints what each
case gets now.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "docs" / "bad-inputs.toml"
PAGE = ROOT / "docs" / "bad-inputs.md"
BEGIN, END = "<!-- begin cases -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes
    ----------
    kind : str
        Key of `KINDS`.
    what : str
        The input in words.
    content : bytes
    file : str
        Name of the file, which decides how it is read.
    gets : str
        The faults, one a line, or what was read after ``read: ``.
    """

    kind: str
    what: str
    content: bytes
    file: str
    gets: str


def cases(path: Path = LIST) -> list[Case]:
    """Return all the cases in their order."""
    return [_case(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]


def _case(entry: dict[str, str]) -> Case:
    known = {"kind", "what", "text", "hex", "encoding", "gets", "file"}
    if set(entry) - known:
        raise ValueError(f"{entry['what']}: unknown keys {set(entry) - known}")
    if "hex" in entry:
        content = bytes.fromhex(entry["hex"])
    else:
        text = entry["text"].replace("{huge}", "x" * 140_000).replace("{deep}", "[" * 3000)
        text = text.replace("{digits}", "9" * 5000)
        content = text.encode(entry.get("encoding", "utf-8"))
    file = entry.get("file", KINDS[entry["kind"]].file)
    return Case(entry["kind"], entry["what"], content, file, entry["gets"].strip("\n"))


# What a file gets ---------------------------------------------------------------------------------


def _events(path: Path) -> str:
    import eventstudy as es

    events = es.read_events(path)
    rows = events.frame.to_dict("records")
    listed = "; ".join(f"{row['event_id']} {row['date']} {row['tickers']}" for row in rows)
    return "".join([f"{len(events)} event{'s' if len(events) != 1 else ''}: {listed}",
                    *(f"; noted: {note}" for note in events.notes)])  # fmt: skip


def _study(path: Path) -> str:
    from eventstudy.run.config import read_config

    asked = read_config(str(path), {})
    given = [name for name in asked.model_fields_set if name != "events"]
    shown = ", ".join(f"{name} = {getattr(asked, name)!r}" for name in sorted(given))
    return shown or "nothing but the defaults"


def _prices(path: Path) -> str:
    import eventstudy as es

    table = es.load_prices(source=path)
    shown = []
    for i, ticker in enumerate(table.tickers):
        closes = table.close[:, i] if (table.close[:, i] > 0).any() else table.adj_close[:, i]
        figures = ", ".join("none" if close != close else f"{close:g}" for close in closes)
        shown.append(f"{ticker} {figures}")
    doubts = [f"; noted: {warning.detail}" for warning in table.warnings]
    return "; ".join(shown) + "".join(doubts)


def _factors(path: Path) -> str:
    import eventstudy as es

    plain = path.read_bytes()[:3] != b"The"
    table = es.load_factors(path, units="percent" if plain else None)
    columns = ", ".join(f"{n} {table.values[0, k]:g}" for k, n in enumerate(table.names))
    noted = "".join(f"; noted: {note}" for note in table.notes)
    return f"{len(table.dates)} dates, on the first {columns}{noted}"


def _drafts(path: Path) -> str:
    from datetime import date

    from eventstudy.drafts.file import file_drafts

    drafts = file_drafts(path, today=date(2025, 1, 1))
    rows = drafts.frame.to_dict("records")
    return "; ".join(f"{r['date']} {r['time'] or r['session']} {r['tickers']}" for r in rows)


@dataclass(frozen=True)
class Kind:
    """A kind of file: its heading, its usual name, the call in words, and the call."""

    head: str
    file: str
    call: str
    read: Callable[[Path], str]


KINDS = {
    "calendar": Kind("The calendar", "events.csv", "`read_events`", _events),
    "study": Kind("study.toml", "study.toml", "`--config study.toml`", _study),
    "prices": Kind("Price files", "AVGO.csv", "`load_prices`", _prices),
    "factors": Kind("Factor files", "factors.csv", "`load_factors`, figures in per cent", _factors),
    "drafts": Kind(
        "Files to import", "theirs.csv", "`eventstudy events import --from FILE`", _drafts
    ),
}


def answer(case: Case, folder: Path) -> str:
    """Return what a case gets: its faults, one a line, or what was read.

    Parameters
    ----------
    case : Case
    folder : Path
        An empty one, in which the file is written.
    """
    from eventstudy.errors import EventStudyError, InputError

    place = folder / "quotes" if case.kind == "prices" else folder
    place.mkdir(exist_ok=True)
    path = place / case.file
    path.write_bytes(case.content)
    try:
        read = KINDS[case.kind].read(path)
        return f"read: {read}".replace(f"{place}/", "")
    except InputError as error:
        lines = [line.strip() for line in str(error).split("\n")[1:]]
        return "\n".join(lines).replace(f"{place}/", "")
    except EventStudyError as error:
        return str(error).replace(f"{place}/", "")
    finally:
        path.unlink()


# The page ----------------------------------------------------------------------------------------


def tables(listed: Sequence[Case]) -> str:
    """Return a section a kind, with a table of its cases."""
    lines = []
    for key, kind in KINDS.items():
        own = [case for case in listed if case.kind == key]
        lines += [f"## {kind.head}", "", f"{len(own)} files given to {kind.call}.", ""]
        lines += ["| input | what it gets |", "|---|---|"]
        lines += [f"| {_cell(case.what)} | {_told(case.gets)} |" for case in own]
        lines.append("")
    return "\n".join(lines)


def _told(gets: str) -> str:
    if gets.startswith("read: "):
        return f"read: {_code(gets.removeprefix('read: '))}"
    return "<br>".join(_code(line) for line in gets.split("\n"))


def _code(text: str) -> str:
    mark = "``" if "`" in text else "`"
    return f"{mark}{_cell(text)}{mark}"


def _cell(text: str) -> str:
    """Return a cell of a table; a word without end is shortened, since it would not be broken."""
    return re.sub(r"x{20,}", "xxxxxxxx", text).replace("|", "\\|")


def page(text: str, listed: Sequence[Case]) -> str:
    """Return the page with its tables written anew; prose is left alone."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + tables(listed) + END + rest.split(END)[1]


def stale(listed: Sequence[Case]) -> list[str]:
    """Return the cases that get something else than the list says."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        for case in listed:
            got = answer(case, Path(name))
            if got != case.gets:
                found.append(f"{case.kind}, {case.what}:\n  {got}\n  instead of\n  {case.gets}")
    return found


def main(given: Sequence[str] | None = None) -> None:
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--answers", action="store_true")
    arguments = parser.parse_args(given)
    listed = cases()
    if arguments.answers:
        with tempfile.TemporaryDirectory() as name:
            for case in listed:
                print(f"{case.kind}: {case.what}\n  {answer(case, Path(name))}")
        return
    wrong = stale(listed)
    if wrong:
        raise SystemExit("\n".join(wrong))
    text = page(PAGE.read_text(encoding="utf-8"), listed)
    if arguments.check and text != PAGE.read_text(encoding="utf-8"):
        raise SystemExit(f"{PAGE.name}: stale; run python benchmarks/bad_inputs.py")
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
