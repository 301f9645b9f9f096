"""The pages of docs/methods, put together from the code, one data file and the validity table.

A page is prose with blocks between ``<!-- begin NAME -->`` and ``<!-- end -->``. This script
writes the blocks anew: names, nulls, assumptions and sources come from the code, formulas and
what supports a number from docs/methods/support.toml, claims from benchmarks/validity.py and
measured sizes from docs/validity.csv. What stands outside the blocks is left alone.

    python benchmarks/methods_pages.py [--check]

--check writes nothing and fails where a page is not what would be written.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

import eventstudy as es
from eventstudy.models import MODELS, SPECS
from eventstudy.models.contract import ModelFit, ModelTask, Needs, iterates, needs_of
from eventstudy.significance import TESTS, Sample, SignificanceTest
from eventstudy.significance.single import SINGLE_TESTS
from eventstudy.study.joint import LINEAR
from eventstudy.study.placebo import MOST_REFITS

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- begin ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
UNMEASURED = (
    "Not measured yet: `docs/validity.csv` is written by `benchmarks/validity.py`, which needs "
    "a folder of prices."
)
FEW_SHIFTS = "{few shifts}"
"""What stands in a remark for `few_shifts`, whose numbers are the library's."""
DECEMBER = "avgo-earnings-2024-12-12"
SHOWN = ("AVGO", "MRVL", "NVDA")
WINDOWS = ("0,0", "-1,1", "2,10", "-5,-1")
"""Those of ``eventstudy demo``: the hull decides which placebo windows are clear."""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Book:
    """What the blocks are made of.

    Attributes
    ----------
    support : dict
        docs/methods/support.toml.
    validity : module
        benchmarks/validity.py: claims, and how a cell reads.
    measured : DataFrame or None
        docs/validity.csv; None where it was not written yet.
    """

    support: Entry
    validity: ModuleType
    measured: pd.DataFrame | None

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The tests of single events on the shipped sample, as ``eventstudy demo`` asks."""
        events = es.read_events(ROOT / "events.csv")
        prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
        return es.event_study(events, prices, window=list(WINDOWS), observed=[]).single_tests


def make_book(root: Path = ROOT) -> Book:
    """Read what the blocks are made of."""
    support = tomllib.loads((root / "docs/methods/support.toml").read_text(encoding="utf-8"))
    spec = importlib.util.spec_from_file_location("validity", root / "benchmarks/validity.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(root / "benchmarks/validity.py")
    validity = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(validity)
    path = root / "docs/validity.csv"
    return Book(support, validity, read_measured(path) if path.is_file() else None)


def read_measured(path: Path) -> pd.DataFrame:
    """Return the two-sided rates of the validity table, words never missing."""
    table = pd.read_csv(path)
    words = ["claim", "outcome", "verdict", "side"]
    table[words] = table[words].fillna("")
    return table[table["side"] == "two-sided"].reset_index(drop=True)


# What every section has -----------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table in Markdown; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return [*lines, *("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows)]


def formula(entry: Entry) -> list[str]:
    """Return the formula as a block of plain text."""
    return ["```text", *entry["formula"].strip("\n").splitlines(), "```", ""]


def cited(entry: Entry) -> list[str]:
    """Return full citations, one a line."""
    return [*(f"- {text}" for text in entry["citation"]), ""]


def supported(book: Book, entries: Sequence[Entry]) -> list[str]:
    """Return what supports a number, the strongest first, with the tests that show it."""
    order = list(book.support["levels"])
    ranked = sorted(entries, key=lambda e: order.index(e["level"]))
    rows = [
        (
            book.support["levels"][e["level"]],
            e["what"],
            e["tolerance"],
            "<br>".join(linked(reference) for reference in e["shown"]),
        )
        for e in ranked
    ]
    return [*table(("by", "what", "agreement", "shown in"), rows), ""]


def linked(reference: str) -> str:
    """Return a link to a test's file, named by its function."""
    file, function = reference.split("::")
    return f"[`{function}`](../../tests/{file})"


def said(entry: Entry, *names: tuple[str, str]) -> list[str]:
    """Return the remarks that an entry has, each under its heading."""
    found = [
        (head, entry[key].replace(FEW_SHIFTS, few_shifts())) for key, head in names if key in entry
    ]
    return [line for head, text in found for line in (f"**{head}** {text}", "")]


# Tests over events ------------------------------------------------------------------------------


def tests_block(book: Book) -> list[str]:
    """Return a section for each test over events, in their order."""
    return [line for name in TESTS for line in test_section(book, name)]


def test_section(book: Book, name: str) -> list[str]:
    test, entry = TESTS[name], book.support["test"][name]
    return [
        f"## `{name}`",
        "",
        *formula(entry),
        f"- **Null:** {test.null}.",
        f"- **Reference:** {entry['distribution']}.",
        f"- **Assumptions:** {test.assumptions}.",
        f"- **Asks for:** {asked(test)}.",
        f"- **Source:** {test.source}.",
        "",
        *cited(entry),
        *said(entry, ("choice", "Our choice."), ("few", "Few events."), ("remark", "Note.")),
        *supported(book, entry["support"]),
        *sizes(book, name),
        *said(entry, ("read", "Read instead or beside:")),
    ]


def asked(test: SignificanceTest) -> str:
    """Return how many events and dates a test needs, and whether it needs a covariance."""
    parts = [f"{test.fewest} events"]
    if test.fewest_dates > 1:
        parts.append(f"{test.fewest_dates} dates")
    if "forecast covariance" in test.undefined(_without_covariance()):
        parts.append("a forecast covariance (refused for models without)")
    if test.standardised:
        parts.append("a convention, `scar` or `sum_sar`")
    return ", ".join(parts)


def _without_covariance() -> Sample:
    """Return ten events whose model gives no forecast covariance."""
    rng = np.random.default_rng(0)
    at = 100 * np.arange(1, 11)
    return Sample(
        rng.normal(size=(10, 1)), np.full((10, 1, 1), np.nan), rng.normal(size=(10, 60)),
        at[:, None] + np.arange(-70, -10), at, np.full(10, 58), 2, covariance="none",
    )  # fmt: skip


def sizes(book: Book, name: str) -> list[str]:
    """Return claims and measured sizes of one test by design, period and window."""
    designs = book.validity.DESIGNS
    claims = [book.validity.claim_of(name, design) for design in designs]
    rows = [["claimed", *(claim or "no claim" for claim in claims)]]
    lines = ["**Size** (rejections at nominal 5%, two-sided, with 99% interval):", ""]
    if book.measured is None:
        return [*lines, *table(("", *designs.values()), rows), "", UNMEASURED, ""]
    own = book.measured[book.measured["test"] == name]
    for (period, window), part in own.groupby(["period", "window"], sort=False):
        by = part.set_index("design")
        cells = [measured_cell(book, by, design) for design in designs]
        rows.append([f"{period} [{window}]", *cells])
    return [*lines, *table(("", *designs.values()), rows), ""]


def measured_cell(book: Book, rows: pd.DataFrame, design: str) -> str:
    """Return a cell as docs/validity.md prints it."""
    return str(book.validity.cell(rows.loc[design])) if design in rows.index else "not measured"


def overview_block(book: Book) -> list[str]:
    """Return one line a test: its strongest support, its claims, and where they fell."""
    rows = []
    for name in TESTS:
        entries = book.support["test"][name]["support"]
        best = next(
            v for k, v in book.support["levels"].items() if k in {e["level"] for e in entries}
        )
        cells = [claim_cell(book, name, design) for design in book.validity.DESIGNS]
        rows.append((f"[`{name}`](tests.md#{name})", best, *cells))
    return [*table(("test", "supported by", *book.validity.DESIGNS.values()), rows), ""]


def claim_cell(book: Book, name: str, design: str) -> str:
    """Return a claim, and in how many cells the simulation contradicts it."""
    claim = book.validity.claim_of(name, design) or "-"
    if book.measured is None or claim in ("-", "no"):
        return claim
    m = book.measured
    own = m[(m["test"] == name) & (m["design"] == design)]
    wrong = int((own["outcome"] == book.validity.CONTRADICTED).sum())
    return f"{claim}, **contradicted in {wrong} of {len(own)}**" if wrong else claim


# One event, models, and the other pages -----------------------------------------------------------


def single_block(book: Book) -> list[str]:
    """Return a section for each test of one event."""
    lines = []
    for name, test in SINGLE_TESTS.items():
        entry = book.support["single"][name]
        lines += [
            f"## `{name}`", "", *formula(entry), f"- **Null:** {test.null}.",
            f"- **Smallest p:** {entry['floor']}.", f"- **Assumptions:** {test.assumptions}.",
            f"- **Source:** {test.source}.", "", *cited(entry),
            *supported(book, entry["support"]), *said(entry, ("read", "When to read it:")),
        ]  # fmt: skip
    return lines


def models_block(book: Book) -> list[str]:
    """Return a section for each model, and for each that takes an argument."""
    lines = []
    for name in MODELS:
        lines += [f"## `{name}`", "", *model_lines(book, book.support["model"][name], name)]
    for name in SPECS:
        lines += [f"## `{name}:...`", "", *model_lines(book, book.support["spec"][name], None)]
    return lines


def model_lines(book: Book, entry: Entry, name: str | None) -> list[str]:
    facts = [] if name is None else [model_facts(name), ""]
    same = entry.get("same")
    entries = (book.support["spec"][same] if same else entry)["support"]
    return [
        *formula(entry), *facts, *cited(entry), *said(entry, ("remark", "Note.")),
        *supported(book, entries),
    ]  # fmt: skip


def model_facts(name: str) -> str:
    """Return what a model says of itself: V, d, what it asks for, what it allows."""
    model, fit = MODELS[name], trial(name)
    meaning = {
        "exact": "exact",
        "approximate": "approximate, and called so in every caveat",
        "none": "none: tests that standardise by it are refused",
    }[fit.covariance]
    joint = "yes" if isinstance(model, LINEAR) else "no"
    slow = f"; placebos refit it for {few_shifts()}" if iterates(model) else ""
    return (
        f"**V:** {meaning}. **d:** {fit.n_params}. **Asks for:** {wanted(needs_of(model))}. "
        f'**`overlap="joint"`:** {joint}{slow}.'
    )


def few_shifts() -> str:
    """Return for which shifts of the calendar a model that iterates is refitted."""
    return f"one shift in ceil(sessions / {MOST_REFITS}), at most {MOST_REFITS}"


def wanted(needs: Needs) -> str:
    """Return what a model asks for beside the returns, in words."""
    parts = [
        "the benchmark" if needs.benchmark else "",
        f"{needs.reach} lead and lag of it" if needs.reach else "",
        f"factors {', '.join(needs.factors)}" if needs.factors else "",
        "donors" if needs.donors else "",
        "sessions after the event" if needs.after else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing"


def trial(name: str) -> ModelFit:
    """Fit a model to one made observation, to learn what it says of its fit."""
    rng = np.random.default_rng(3)
    m, length, needs = 120, 2, needs_of(MODELS[name])
    common = rng.normal(0, 0.01, (1, m + length + 2 * needs.reach))
    k, width = needs.reach, m + length
    market = common[:, k : k + width]
    y = 0.001 + market + rng.normal(0, 0.01, (1, width))
    more = rng.normal(0, 0.01, (1, width, max(len(needs.factors), 1)))
    donors = market[:, :, None] + rng.normal(0, 0.01, (1, width, 4))
    near = np.stack([common[:, s : s + width] for s in range(2 * k + 1)], axis=2)
    return MODELS[name].fit(
        ModelTask(
            y[:, :m], y[:, m:], market[:, :m], market[:, m:], np.ones(1),
            factors=more[:, :m], factors_event=more[:, m:], shifted=near[:, :m],
            shifted_event=near[:, m:], donors=donors[:, :m], donors_event=donors[:, m:],
            y_after=rng.normal(0, 0.01, (1, 30)), market_after=np.zeros((1, 30)), ahead=11,
        )
    )  # fmt: skip


def sample_block(book: Book) -> list[str]:
    """Return the December 2024 case on the shipped sample."""
    found = book.sample
    rows = []
    for ticker in SHOWN:
        part = found[(found["group"] == f"{DECEMBER}/{ticker}") & (found["window"] == "0,0")]
        for row in part.to_dict("records"):
            p = "below 1e-4" if row["p_value"] < 1e-4 else f"{row['p_value']:.3f}"
            value = f"{row['statistic']:.3f}"
            rows.append((ticker, f"`{row['test']}`", value, p, row["distribution"]))
    return [*table(("security", "test", "statistic", "p", "as printed"), rows), ""]


BLOCKS: dict[str, Callable[[Book], list[str]]] = {
    "overview": overview_block,
    "tests": tests_block,
    "single": single_block,
    "models": models_block,
    "sample": sample_block,
}


def block(book: Book, name: str) -> str:
    """Return the text of a block; ``support NAME`` is a table of the data file's pages."""
    kind, _, page = name.partition(" ")
    lines = supported(book, book.support["page"][page]) if kind == "support" else BLOCKS[name](book)
    return "\n".join(["", *lines])


def rewritten(text: str, book: Book) -> str:
    """Return a page with its blocks written anew."""
    return BLOCK.sub(lambda found: found[1] + block(book, found[2]) + found[3], text)


def pages(root: Path = ROOT) -> dict[Path, str]:
    """Return every page of docs/methods as it should be."""
    book = make_book(root)
    found = sorted((root / "docs/methods").glob("*.md"))
    return {path: rewritten(path.read_text(encoding="utf-8"), book) for path in found}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where stale")
    given = parser.parse_args(arguments)
    stale = {p: text for p, text in pages().items() if text != p.read_text(encoding="utf-8")}
    for path, text in stale.items():
        print(f"{path.relative_to(ROOT)}: {'stale' if given.check else 'written'}")
        if not given.check:
            path.write_text(text, encoding="utf-8")
    if stale and given.check:
        sys.exit(1)


if __name__ == "__main__":
    main()
