"""What a shell may complete: names, without loading what they stand for.

A shell asks at every press of a key, so strategies are read as text and the names of models and
tests stand here; a test holds them against the registries.
"""

from __future__ import annotations

import ast
import csv
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

MODELS = (
    "mean", "comparison-mean", "market-adjusted", "market", "capm", "ff3", "carhart", "ff5",
    "ff5-mom", "scholes-williams", "dimson", "robust", "garch", "egarch", "synthetic-control",
    "elastic-net",
)  # fmt: skip
WITH_ARGUMENT = ("factors:", "adjusted:", "industry:", "dimson:")
TESTS = (
    "time_series", "cross_sectional", "skewness_adjusted", "hall", "patell", "patell_adjusted",
    "bmp", "kolari_pynnonen", "date_clustered", "calendar_portfolio", "sign", "generalized_sign",
    "wilcoxon", "corrado", "corrado_zivney", "grank_t", "grank_z", "cumrank", "cluster_bootstrap",
    "placebo",
)  # fmt: skip
IMPORTED = (
    "event_id", "date", "time", "timezone", "session", "kind", "subject", "tickers", "expects",
    "known_on", "title", "source", "note",
)  # fmt: skip
FAMILIES = (
    "models", "tests", "baskets", "strategies", "sizings", "sources", "claims", "calendars",
    "all",
)  # fmt: skip
RUNS = "eventstudy-runs"
CALENDAR = "events.csv"
PLAIN = re.compile(r"[\w.@^=:;+,/~ -]+")
"""Names that are offered: zsh evaluates what it is sent, and files hold what others wrote."""


def fixed(*names: str) -> Callable[[str], list[str]]:
    """Return a completion from names that never change."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


def _plain(names: Iterable[str]) -> list[str]:
    """Return the names that mean nothing to a shell."""
    return [name for name in names if PLAIN.fullmatch(name)]


def models() -> list[str]:
    """Return the names of models, those of other packages too."""
    return [*MODELS, *WITH_ARGUMENT, *_plain(_registered("eventstudy.models"))]


def _registered(group: str) -> Iterator[str]:
    """Yield the entry points of a group as installed packages write them down.

    Read as text: importlib.metadata takes a quarter of the time that a key may cost.
    """
    for folder in sys.path:
        for file in Path(folder or ".").glob("*.dist-info/entry_points.txt"):
            text = file.read_text(encoding="utf-8", errors="replace")
            if f"[{group}]" in text:
                lines = text.partition(f"[{group}]")[2].partition("\n[")[0].splitlines()
                yield from (line.partition("=")[0].strip() for line in lines if "=" in line)


def tests() -> list[str]:
    """Return the names of tests over events."""
    return list(TESTS)


def strategies(ctx: typer.Context) -> list[str]:
    """Return the names of shipped strategies, and of those in ``--strategies`` or study.toml."""
    from eventstudy.backtest.library import bundled_folder

    own = ctx.params.get("strategies") or _of_config(ctx, "strategies")
    folders = [bundled_folder(), *([Path(own)] if own else [])]
    return _plain(name for folder in folders for name in _strategies_in(folder))


def _strategies_in(folder: Path) -> Iterator[str]:
    from eventstudy.backtest.library import is_aside, kebab

    for file in sorted(folder.glob("*.py")):
        if is_aside(file.name):
            continue
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and _decides(node):
                yield kebab(node.name)


def _decides(node: ast.ClassDef) -> bool:
    """Return whether a class has the method that makes a strategy of it."""
    return any(isinstance(part, ast.FunctionDef) and part.name == "targets" for part in node.body)


def kinds(ctx: typer.Context) -> list[str]:
    """Return the kinds of events in the calendar, ready for days: ``earnings=``."""
    found = {row["kind"] for row in _rows(ctx) if row.get("kind")}
    return _plain(f"{kind}=" for kind in sorted(found))


def cases(ctx: typer.Context) -> list[str]:
    """Return the ids of events in the calendar."""
    return _plain(row["event_id"] for row in _rows(ctx) if row.get("event_id"))


def tickers(ctx: typer.Context) -> list[str]:
    """Return the tickers that the calendar names."""
    found = {t for row in _rows(ctx) for t in (row.get("tickers") or "").split(";") if t}
    return _plain(sorted(t for t in found if not t.startswith("@")))


def observed(ctx: typer.Context) -> list[str]:
    """Return baskets, spreads and tickers that events can be observed on."""
    return ["@ASIC", "@GPU", "@ASIC-@GPU", "@ASIC-@GPU:ex", *tickers(ctx)]


def runs(ctx: typer.Context) -> list[str]:
    """Return the ids of kept runs, the latest first."""
    folder = Path(ctx.params.get("runs") or RUNS)
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
    except OSError:
        return []
    kept = (n for n in names if (folder / n / "manifest.json").is_file())
    return _plain(sorted(kept, reverse=True))


def price_sources(incomplete: str) -> list[str]:
    """Return the names of sources, and folders."""
    return ["sample", "yahoo", *_paths(incomplete, lambda path: False)]


def draft_sources(incomplete: str) -> list[str]:
    """Return yahoo, and CSV files."""
    return ["yahoo", *_paths(incomplete, lambda path: path.suffix.lower() == ".csv")]


def draft_columns() -> list[str]:
    """Return columns of the calendar, ready for a header: ``date=``."""
    return [f"{column}=" for column in IMPORTED]


def _paths(incomplete: str, wanted: Callable[[Path], bool]) -> Iterable[str]:
    head, _, begun = incomplete.rpartition("/")
    folder = Path(head + "/" if incomplete.startswith("/") else head or ".").expanduser()
    lead = f"{head}/" if head or incomplete.startswith("/") else ""
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    return _plain(
        f"{lead}{path.name}{'/' if path.is_dir() else ''}"
        for path in inside
        if path.name.startswith(begun)
        and (begun or not path.name.startswith("."))
        and (path.is_dir() or wanted(path))
    )


def _rows(ctx: typer.Context) -> list[dict[str, str]]:
    """Return the rows of the calendar that is named, of the study file's, or events.csv."""
    place = ctx.params.get("events") or _of_config(ctx, "events") or CALENDAR
    try:
        with Path(str(place)).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _of_config(ctx: typer.Context, key: str) -> str | None:
    """Return a path that the study file names."""
    import tomllib

    config = ctx.params.get("config")
    if not config:
        return None
    try:
        value = tomllib.loads(Path(config).read_text(encoding="utf-8-sig")).get(key)
    except (OSError, ValueError, RecursionError):
        return None
    return str(Path(config).parent / value) if isinstance(value, str) else None
