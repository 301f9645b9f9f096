"""The events as arrays of numbers: what an engine over a million of them reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.baskets import Baskets
from eventstudy.events.cells import split_tickers
from eventstudy.sessions import Sessions

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Listed:
    """Which tickers each of n events concerns, baskets resolved.

    Attributes
    ----------
    labels : tuple of str
        Distinct tickers.
    codes : ndarray, shape (total,), int32
        Rows of `labels`, event after event.
    starts : ndarray, shape (n + 1,), int64
        Those of event i are ``codes[starts[i]:starts[i + 1]]``.
    """

    labels: tuple[str, ...]
    codes: Codes
    starts: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EventColumns:
    """n events in the order of the calendar, as arrays.

    Attributes
    ----------
    same, next : ndarray, shape (n,), int32
        Session 0 under the two readings: rows of the calendar's `sessions`, -1 outside them.
    ambiguous : ndarray, shape (n,), bool
        Whether both readings have to be run.
    study : ndarray, shape (n,), bool
        Whether the event is tested; the others are context.
    kind : ndarray, shape (n,), int32
        Rows of `kinds`.
    kinds : tuple of str
        An empty text where no kind is given.
    main : ndarray, shape (n,), int32
        Rows of `names`: the subject where it is one of the event's entries, else the first.
    names : tuple of str
        Tickers and, as written, baskets.
    listed : Listed
        All tickers of each event, members of baskets included.
    """

    same: Codes
    next: Codes
    ambiguous: npt.NDArray[np.bool_]
    study: npt.NDArray[np.bool_]
    kind: Codes
    kinds: tuple[str, ...]
    main: Codes
    names: tuple[str, ...]
    listed: Listed

    def __len__(self) -> int:
        return len(self.same)


def columns_of(frame: pd.DataFrame, baskets: Baskets, sessions: Sessions) -> EventColumns:
    """Return an aligned frame of events as arrays."""
    kind, kinds = pd.factorize(frame["kind"])
    main, names = _main_entries(frame["subject"], frame["tickers"])
    return EventColumns(
        same=_rows(frame["same"], sessions),
        next=_rows(frame["next"], sessions),
        ambiguous=frame["ambiguous"].to_numpy(dtype=bool),
        study=(frame["use"] == "study").to_numpy(dtype=bool),
        kind=kind.astype(np.int32),
        kinds=tuple(kinds),
        main=main,
        names=names,
        listed=listed_tickers(frame["tickers"], baskets),
    )


def _rows(column: pd.Series, sessions: Sessions) -> Codes:
    days = np.asarray(column.to_numpy(), dtype="datetime64[D]")
    return sessions.position(days).astype(np.int32)


def listed_tickers(texts: pd.Series, baskets: Baskets) -> Listed:
    """Return the tickers of each event, each distinct text read once."""
    codes, distinct = pd.factorize(texts)
    members = [baskets.resolve(split_tickers(text)) for text in distinct]
    labels = {name: i for i, name in enumerate(dict.fromkeys(n for m in members for n in m))}
    flat = np.array([labels[name] for names in members for name in names], dtype=np.int32)
    counts = np.array([len(names) for names in members], dtype=np.int64)
    begins = np.cumsum(counts) - counts
    starts = np.concatenate([[0], np.cumsum(counts[codes])]).astype(np.int64)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts[codes])
    return Listed(tuple(labels), flat[np.repeat(begins[codes], counts[codes]) + within], starts)


def _main_entries(subjects: pd.Series, texts: pd.Series) -> tuple[Codes, tuple[str, ...]]:
    """Return each event's own entry, each distinct pair of subject and tickers read once."""
    subject, known = pd.factorize(subjects)
    text, lists = pd.factorize(texts)
    pairs, codes = np.unique(subject * max(len(lists), 1) + text, return_inverse=True)
    entries = [split_tickers(each) for each in lists]
    chosen = []
    for pair in pairs.tolist():
        own, listed = known[pair // len(lists)], entries[pair % len(lists)]
        chosen.append(own if own in listed else listed[0])
    names = {name: i for i, name in enumerate(dict.fromkeys(chosen))}
    rows = np.array([names[name] for name in chosen], dtype=np.int32)
    return rows[codes].astype(np.int32), tuple(names)
