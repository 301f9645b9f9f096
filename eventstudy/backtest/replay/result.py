"""What an audit found: one row a check, a verdict a strategy, and what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventstudy.backtest.replay.checks import (
    CHANGED,
    CUT,
    ENGINE,
    MEMORY,
    REPEAT,
    REVEALED,
    Check,
)
from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.told import Told

CLEAN, PEEK, EXECUTES, RANDOM, NOTHING, UNPROVEN = (
    "clean", "peek", "execution", "not reproducible", "no decision", "unproven",
)  # fmt: skip
COLUMNS = (
    "strategy", "event_id", "cut", "change", "draw", "decisions", "same", "first_event",
    "first_ticker", "first_session", "what", "full", "changed", "through",
)  # fmt: skip
BLIND = (
    "What the audit cannot see: what a strategy reads for itself, such as a file of prices, a "
    "table in the program around it or a list of events of its own, stays as it is when prices "
    "and calendar are changed; a label in the calendar that was written with later prices in "
    "mind looks like any other; and prices adjusted for splits tell of later splits by their "
    "level, though not by their returns."
)
UNSEEN = (
    "Nothing that was tried made a difference, yet what it opens could tell it the future: it "
    "is not clean until it reads nothing but what it is given."
)
WORDS = {
    CUT: "on data cut there",
    CHANGED: "with later prices and events changed",
    REVEALED: "with later prices and events made up until they come",
    REPEAT: "in a second run on the same inputs",
    ENGINE: "asked by the vectorised engine",
    MEMORY: "in a second run of the same class",
}


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Whether decisions, fills and accounts depend on what came later.

    Attributes
    ----------
    checks : DataFrame
        One row a replay: strategy, event_id (decided, or filled, on the session of the cut;
        joined by ``;``), cut (after the close of this session), change (``repeat``, a second
        run on the same inputs; ``memory``, one that differs because its class was used
        before; ``engine``, one that differs because the vectorised engine asked;
        ``revealed``, one run in which everything is made up until it comes; ``cut``;
        ``changed``, at every cut where a revealed run differs), draw, decisions (number
        compared), same, and where they differ the first difference: event, ticker, session,
        what (``decision``, ``fill`` or ``account``), what it was with the full data and with
        the changed ones, and through which part of the inputs (looked into once a strategy).
    verdicts : mapping of str to str
        By strategy: ``clean``, ``peek``, ``execution`` (decisions agree and fills or account
        do not), ``not reproducible``, ``no decision``, ``unproven`` (nothing differs, but the
        strategy has files, connections or tables of its own, which no replay changes).
    sources : mapping of str to tuple of str
        By strategy, what its code opens or reaches that no replay changes, with file and line.
    notes : tuple of str
    config : mapping
        What was asked, plain values.
    seconds : float
        Wall time.
    """

    checks: pd.DataFrame
    verdicts: Mapping[str, str]
    sources: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]
    config: Mapping[str, object]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether no strategy depends on what came later, and every one can be repeated."""
        return all(verdict in (CLEAN, NOTHING) for verdict in self.verdicts.values())

    @property
    def peeks(self) -> tuple[str, ...]:
        """The strategies whose decisions or execution depend on what came later."""
        return tuple(name for name, v in self.verdicts.items() if v in (PEEK, EXECUTES))

    @property
    def first_differences(self) -> pd.DataFrame:
        """The check that shows the first decision that differs, one row a strategy."""
        frame = self.checks[~self.checks["same"]]
        order = frame.assign(late=frame["what"] != "decision")
        order = order.sort_values(
            ["late", "first_session", "through"], ascending=[True, True, False], kind="stable"
        )
        return order.drop(columns="late").drop_duplicates("strategy").reset_index(drop=True)

    def summary_frame(self) -> pd.DataFrame:
        """Return one row a strategy: verdict, cuts, replays, decisions, first difference."""
        import pandas as pd

        found = self.first_differences.set_index("strategy")
        rows = []
        for name, verdict in self.verdicts.items():
            own = self.checks[self.checks["strategy"] == name]
            first = found.loc[name] if name in found.index else None
            rows.append({
                "strategy": name,
                "verdict": verdict,
                "cuts": own.loc[own["change"] == CUT, "cut"].nunique(),
                "replays": len(own),
                "decisions": int(own["decisions"].max()) if len(own) else 0,
                "differ": int((~own["same"]).sum()),
                "first_event": "" if first is None else first["first_event"],
                "first_session": pd.NaT if first is None else first["first_session"],
            })  # fmt: skip
        frame = pd.DataFrame(rows).set_index("strategy")
        return frame.astype({"first_session": "datetime64[s]"})

    def summary(self) -> str:
        """Return verdicts, first differences and limits as text."""
        return as_text(self._told())

    def _told(self) -> Told:
        frame = self.summary_frame().drop(columns=["first_event", "first_session"])
        lines: list[str | pd.DataFrame] = [self._heading(), "", frame, ""]
        lines += [self._difference(row) for row in self.first_differences.to_dict("records")]
        for name, found in self.sources.items():
            if found:
                lines.append(
                    f"{name} reads what no replay changes, look for yourself: {', '.join(found)}."
                    + (f" {UNSEEN}" if self.verdicts[name] == UNPROVEN else "")
                )
        return [*lines, *self.notes, BLIND]

    def manifest(self) -> dict[str, object]:
        """Return what is needed to run the audit again, and the verdicts."""
        from eventstudy.provenance import versions

        return {
            **self.config,
            "verdicts": dict(self.verdicts),
            "clean": self.clean,
            "sources": {name: list(found) for name, found in self.sources.items()},
            "notes": list(self.notes),
            "versions": versions(),
        }

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {verdict}" for name, verdict in self.verdicts.items())
        return f"AuditResult({told})"

    def _repr_html_(self) -> str:
        return as_html(self._told())

    def _heading(self) -> str:
        c = self.config
        return (
            f"Look-ahead audit: {len(self.checks)} replays of {len(self.verdicts)} strategies, "
            f"sessions {c['start']} to {c['end']}, seed {c['seed']}. Decisions, fills and the "
            "account up to each cut are compared exactly."
        )

    def _difference(self, row: Mapping[Any, Any]) -> str:
        """Return the sentence on a strategy's first difference."""
        name, where = row["strategy"], f"{row['first_session']:%Y-%m-%d}"
        through = f" It comes through {row['through']}." if row["through"] else ""
        if row["what"] == "account":
            what = f"the account at the close of {where}"
        else:
            ticker = f", {row['first_ticker']}" if row["first_ticker"] else ""
            verb = "decided after the close of" if row["what"] == "decision" else "settled on"
            what = f"event {row['first_event']}{ticker}, {verb} {where}"
        cut = f" (cut after {row['cut']:%Y-%m-%d})" if row["change"] in (CUT, CHANGED) else ""
        return (
            f"{name}: {self.verdicts[str(name)]}. First to differ: {what}. With the full data: "
            f"{row['full']}. {WORDS[str(row['change'])].capitalize()}{cut}: {row['changed']}."
            f"{through}"
        )


def checks_frame(found: Mapping[str, Sequence[Check]], dates: object) -> pd.DataFrame:
    """Return checks in the columns of `AuditResult.checks`.

    Parameters
    ----------
    found : mapping of str to sequence of Check
        By strategy.
    dates : ndarray, shape (S,), datetime64[D]
        Sessions of the run.
    """
    import numpy as np
    import pandas as pd

    days = np.asarray(dates, dtype="datetime64[s]")
    rows = []
    for name, checks in found.items():
        for c in checks:
            d = c.difference
            told = (
                ("", "", np.datetime64("NaT", "s"), "", "", "")
                if d is None
                else (d.event_id, d.ticker, days[d.row], d.what, d.full, d.other)
            )
            rows.append((
                name, c.event_ids, days[c.row], c.change, c.draw, c.decisions, d is None,
                *told, c.through,
            ))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = dict.fromkeys(
        set(COLUMNS) - {"cut", "first_session", "draw", "decisions", "same"}, "str"
    )
    return frame.astype({
        **texts, "cut": "datetime64[s]", "first_session": "datetime64[s]",
        "draw": "int64", "decisions": "int64", "same": "bool",
    })  # fmt: skip


def verdict_of(checks: Sequence[Check], opens: bool = False) -> str:
    """Return the verdict on a strategy, which may open what no replay changes."""
    differing = [check for check in checks if check.difference is not None]
    if not differing:
        return UNPROVEN if opens else CLEAN
    if any(check.change in (REPEAT, ENGINE) for check in differing):
        return RANDOM
    decided = any(c.difference is not None and c.difference.what == "decision" for c in differing)
    return PEEK if decided else EXECUTES
