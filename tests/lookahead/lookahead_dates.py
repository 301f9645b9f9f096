"""The tables of a run with the session by which each number is known, and what two runs share.

Each row has two dates. `until` is the session that its numbers are dated by: of an abnormal
return its own, of a CAR the last of its window, of a fit the last of its estimation window, of a
group the last of its events' windows, of an order the evening it was decided on. `settled` is the
session from which on its being there at all no longer rests on what comes: an observation needs
its whole hull, a policy on overlaps looks at events up to a hull later with theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

import eventstudy as es
from eventstudy.activity import ActivityResult
from eventstudy.backtest import BacktestResult
from eventstudy.backtest.ledger import FROZEN, OPEN_AT_END
from eventstudy.models.contract import looks_ahead, needs_of
from eventstudy.study.large import LargeStudy
from eventstudy.study.observed import Observation
from eventstudy.study.overlapping import chains

FAR = pd.Timestamp("2100-01-01")
WHOLE_TABLE = ("placebo", "placebo_time", "placebo_kind")
"""Tests that draw on all of the table; the report says so."""
FIT = ("n_estimation", "alpha", "beta", "sigma")


@dataclass(frozen=True)
class Dated:
    """One table of a run.

    Attributes
    ----------
    name : str
    frame : DataFrame
        Indexed by what a row is called; columns are the numbers.
    until, settled : Series
        By the same index.
    reach : Timestamp
        Session with which the table ends: an account is told up to its last exit only.
    """

    name: str
    frame: pd.DataFrame
    until: pd.Series
    settled: pd.Series
    reach: pd.Timestamp = FAR


@dataclass(frozen=True)
class Difference:
    """A number dated t or earlier that later rows have changed."""

    table: str
    row: object
    column: str
    before: object
    after: object


def dated(
    name: str,
    frame: pd.DataFrame,
    keys: Sequence[str],
    until: Sequence[object] | pd.Series,
    settled: Sequence[object] | pd.Series | None = None,
) -> Dated:
    """Return a table with its dates, one row a key."""
    index = pd.MultiIndex.from_frame(frame[list(keys)].astype(str))
    assert not index.has_duplicates, f"{name}: {index[index.duplicated()][:3].tolist()}"
    until = pd.Series(pd.to_datetime(np.asarray(until)), index)
    last = until if settled is None else pd.Series(pd.to_datetime(np.asarray(settled)), index)
    numbers = frame.drop(columns=list(keys)).set_axis(index)
    return Dated(name, numbers, until.fillna(FAR), last.fillna(FAR))


def differences(
    one: Dated, other: Dated, t: pd.Timestamp, rtol: float = 0.0
) -> tuple[int, list[Difference]]:
    """Return how many numbers were compared, and those that differ.

    Parameters
    ----------
    one, other : Dated
        Of the run on the rows as they are, and on those changed after t.
    t : Timestamp
    rtol : float
        Relative, and absolute for numbers of the size of returns; 0 asks for the same bits.
    """
    found: list[Difference] = []
    t = min(t, one.reach, other.reach)
    for left, right, word in ((one, other, "lost"), (other, one, "appeared")):
        here = left.frame.index[((left.until <= t) & (left.settled <= t)).to_numpy()]
        there = right.frame.index[(right.until <= t).to_numpy()]
        for row in here.difference(there, sort=False):
            found.append(Difference(one.name, row, word, word != "lost", word == "lost"))
    shared = one.frame.index.intersection(other.frame.index, sort=False)
    shared = shared[((one.until[shared] <= t) & (other.until[shared] <= t)).to_numpy()]
    columns = one.frame.columns.intersection(other.frame.columns)
    for column in columns:
        a, b = (x.frame.loc[shared, column].to_numpy() for x in (one, other))
        for at in np.flatnonzero(~_same(a, b, rtol)):
            found.append(Difference(one.name, shared[at], column, a[at], b[at]))
    return len(shared) * max(len(columns), 1), found


def _same(a: npt.NDArray, b: npt.NDArray, rtol: float) -> npt.NDArray[np.bool_]:
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        equal = (a == b) | (np.isnan(a) & np.isnan(b))
        if rtol:
            with np.errstate(invalid="ignore"):
                equal |= np.abs(a - b) <= rtol * np.maximum(np.abs(a), np.abs(b)) + 1e-3 * rtol
        return equal
    missing = pd.isna(a) & pd.isna(b)
    return np.asarray((a == b) | missing, dtype=bool)


@dataclass(frozen=True)
class _Place:
    """Where an observation lies, and what it is made of."""

    made_of: str
    start: pd.Timestamp
    window: tuple[pd.Timestamp, ...]
    until: pd.Timestamp
    settled: pd.Timestamp


def _at(days: npt.NDArray[np.datetime64], row: int) -> pd.Timestamp:
    return pd.Timestamp(days[row]) if 0 <= row < len(days) else FAR


Places = dict[tuple[str, str, str], _Place]


def _places(study: es.StudyResult) -> Places:
    """Return the place of each observation by event, series and one alignment that holds it.

    Which alignments are in use rests on whether any event of the calendar is ambiguous; an
    observation is the same under all that hold it.
    """
    frame, found = study.config.frame, {}
    policy, length = study.config.overlap, len(frame.days)
    held = chains(study.observations, length) if policy == "joint" else None
    known_as: set[tuple[str, str, str]] = set()
    for i, o in enumerate(study.observations):
        alignment = _lead(study, o)
        at = o.reading.position
        chain = held[i][alignment] if held else (at,)
        end = chain[-1] + frame.hull[1]
        # Another event matters where it comes within a hull after, and has its own hull whole.
        known = end if policy == "keep" else end + length - 1
        made_of = f"{o.weights} at {study.days[at]} of {[str(study.days[p]) for p in chain]}"
        if (o.reading.event.event_id, o.label, made_of) in known_as:
            continue  # chains that differed by alignment until other events were left out
        known_as.add((o.reading.event.event_id, o.label, made_of))
        found[o.reading.event.event_id, o.label, alignment] = _Place(
            made_of,
            _at(study.days, at - frame.gap - 1),
            tuple(_at(study.days, at + d) for d in range(frame.hull[1] + 1)),
            _at(study.days, end),
            _at(study.days, known),
        )
    return found


def _lead(study: es.StudyResult, o: Observation) -> str:
    """Return the last alignment in use that holds an observation."""
    return [a for a in study.alignments if a in o.reading.alignments][-1]


def _placed(frame: pd.DataFrame, places: Places) -> tuple[pd.DataFrame, list[_Place]]:
    """Return the rows of one alignment an observation, with what each is made of."""
    ids = list(zip(frame["event_id"], frame["ticker"], frame["alignment"], strict=True))
    kept = np.array([key in places for key in ids], dtype=bool)
    frame = frame[kept].drop(columns="alignment")
    at = [places[key] for key in ids if key in places]
    return frame.assign(made_of=[p.made_of for p in at]), at


def study_tables(study: es.StudyResult) -> Iterator[Dated]:
    """Yield the tables of a study, dated."""
    places = _places(study)
    later = {m.name for m in study.config.models if looks_ahead(m)}
    pooled = {m.name for m in study.config.models if needs_of(m).donors}
    reach = max((needs_of(m).reach for m in study.config.models), default=0)
    joint = study.config.overlap == "joint"

    def whole(at: _Place, model: str, day: pd.Timestamp) -> pd.Timestamp:
        """Where donors are chosen over the hull, or a chain is one regression, it dates all."""
        return at.until if joint or model in pooled else day

    def table(
        name: str, frame: pd.DataFrame, at: list[_Place], key: str, days: list[pd.Timestamp]
    ) -> Dated:
        until = [whole(p, m, d) for p, m, d in zip(at, frame["model"], days, strict=True)]
        names = ["event_id", "ticker", "model", *([key] if key else []), "made_of"]
        return dated(name, frame, names, until, [p.settled for p in at])

    abnormal, at = _placed(study.abnormal[~study.abnormal["model"].isin(later)], places)
    yield table("abnormal", abnormal, at, "day", abnormal["date"].tolist())
    cars, at = _placed(study.cars[~study.cars["model"].isin(later)], places)
    ends = cars["window"].str.split(",").str[1].astype(int)
    last = [p.window[d] for p, d in zip(at, ends, strict=True)]
    yield table("cars", cars, at, "window", last)
    # Own events leave the session before them, too; leads lie after the estimation window.
    beyond = reach + (study.config.estimation_excludes != "none")
    known = [p.start + pd.offsets.BDay(beyond + 1) if beyond else p.start for p in at]
    first = (cars["window"] == "0,0").to_numpy()
    fits = cars.loc[first, ["event_id", "ticker", "model", "made_of", *FIT]]
    chosen = [p for p, keep in zip(at, first, strict=True) if keep]
    # On a calendar of price dates the window itself rests on the sessions up to the event.
    fits = fits.assign(made_of=fits["made_of"] + [f" from {p.start}" for p in chosen])
    days = [d for d, keep in zip(known, first, strict=True) if keep]
    yield table("fits", fits, chosen, "", days)
    yield _single(study, places, later, pooled, joint)
    yield from _groups(study, places, later)
    yield _dropped(study)


def _single(
    study: es.StudyResult,
    places: Places,
    later: set[str],
    pooled: set[str],
    joint: bool,
) -> Dated:
    frame = study.single_tests
    frame = frame[~frame["model"].isin(later) & ~frame["test"].isin(WHOLE_TABLE)]
    # The row of an observation stands under the first of the alignments that hold it.
    held = {
        (f"{o.reading.event.event_id}/{o.label}", o.reading.alignments[0]): places[
            o.reading.event.event_id,
            o.label,
            _lead(study, o),
        ]
        for o in study.observations
        if (o.reading.event.event_id, o.label, _lead(study, o)) in places
    }
    ids = list(zip(frame["group"], frame["alignment"], strict=True))
    frame = frame[np.array([key in held for key in ids], dtype=bool)]
    at = [held[key] for key in ids if key in held]
    ends = frame["window"].str.split(",").str[1].astype(int)
    until = [
        p.until if joint or m in pooled or test == "placebo_space" else p.window[d]
        for p, d, m, test in zip(at, ends, frame["model"], frame["test"], strict=True)
    ]
    frame = frame.drop(columns="alignment").assign(made_of=[p.made_of for p in at])
    keys = ["group", "model", "window", "test", "made_of"]
    return dated("single_tests", frame, keys, until, [p.settled for p in at])


def _groups(study: es.StudyResult, places: Places, later: set[str]) -> Iterator[Dated]:
    """Yield tests and effects of groups: dated by the last of their events' windows."""
    members, until, lead = {}, {}, study.alignments[-1]
    for group in study.groups:
        counted = study.counted(group, lead)
        rows = [study.observations[i] for i in group.rows[counted]]
        at = [
            next(places[k] for a in (lead, "same", "stated") if (k := (*o, a)) in places)
            for o in ((o.reading.event.event_id, o.label) for o in rows)
        ]
        signs = group.signs[counted]
        members[group.name] = str([(p.made_of, s) for p, s in zip(at, signs, strict=True)])
        until[group.name] = max((p.until for p in at), default=FAR)
    for name, frame, keys in (
        ("group_tests", study.group_tests, ["group", "model", "window", "test"]),
        ("effects", study.effects, ["group", "model", "window"]),
    ):
        kept = frame[~frame["model"].isin(later) & (frame["alignment"] == lead)]
        if "test" in kept:
            kept = kept[~kept["test"].isin(WHOLE_TABLE)]
        kept = kept.drop(columns="alignment").assign(members=kept["group"].map(members))
        days = kept["group"].map(until)
        # Which events are in a group is theirs to say: of another membership nothing is shared.
        yield dated(name, kept, [*keys, "members"], days, [FAR] * len(kept))


def _dropped(study: es.StudyResult) -> Dated:
    """Return what was left out; the words of one reason name the span of the prices."""
    frame = study.dropped.drop_duplicates(["event_id", "ticker", "reason", "detail"])
    frame = frame.assign(
        detail=frame["detail"].where(frame["reason"] != "out_of_span", "")
    ).drop_duplicates()
    length, days = len(study.config.frame.days), study.days
    ends, events = [], {event.event_id: event for event in study.events}
    for event_id in frame["event_id"]:
        event = events[event_id]
        at = int(np.searchsorted(days, event.next)) if not np.isnat(event.next) else len(days)
        ends.append(_at(days, at + length + study.config.frame.hull[1]))
    return dated("dropped", frame, ["event_id", "ticker", "reason", "detail"], ends)


def activity_tables(study: es.StudyResult, results: Iterable[ActivityResult]) -> Iterator[Dated]:
    """Yield abnormal volume and variance of single events."""
    places, later = _places(study), [m.name for m in study.config.models if looks_ahead(m)]
    for result in results:
        frame, at = _placed(result.events[~result.events["model"].isin(later)], places)
        keys = ["event_id", "ticker", "model", "window", "made_of"]
        settled = [FAR] * len(frame)  # volume needs volumes that returns do not
        yield dated(result.what, frame, keys, [p.until for p in at], settled)


def streamed_tables(study: LargeStudy) -> Iterator[Dated]:
    """Yield the tables of single events that the streamed engine writes."""
    frame, days = study.config.frame, study.days

    events = {event.event_id: event for event in study.events}

    def position(event_id: str, alignment: str) -> int:
        event = events[event_id]
        return int(np.searchsorted(days, event.same if alignment == "same" else event.next))

    for name in ("abnormal", "cars"):
        rows = study.read(name).to_pandas()
        for column in rows.select_dtypes("category"):
            rows[column] = rows[column].astype(str)
        # Alignments in use rest on the whole calendar; the last one holds all that is sure.
        ambiguous = rows["event_id"].map({e: v.ambiguous for e, v in events.items()})
        rows = rows[ambiguous | (rows["alignment"] == study.alignments[-1])]
        at = [position(e, a) for e, a in zip(rows["event_id"], rows["alignment"], strict=True)]
        ends = (
            rows["day"]
            if name == "abnormal"
            else rows["window"].astype(str).str.split(",").str[1].astype(int)
        )
        until = [_at(days, p + d) for p, d in zip(at, ends, strict=True)]
        known = frame.hull[1] + (study.config.overlap != "keep") * (len(frame.days) - 1)
        rows = rows.drop(columns="alignment").assign(zero=[str(_at(days, p)) for p in at])
        keys = ["event_id", "ticker", "model", "zero"]
        keys.append("day" if name == "abnormal" else "window")
        yield dated(f"streamed {name}", rows, keys, until, [_at(days, p + known) for p in at])


def calendar_table(events: es.EventCalendar, t: pd.Timestamp) -> Dated:
    """Return session 0 of each event: dated by its announcement where the exchange is asked.

    Where the calendar is made of price dates, the session after the announcement is one of
    them, so that session 0 dates it.
    """
    frame = events.frame.reset_index(drop=True)
    announced = pd.to_datetime(frame["date"])
    until = announced if events.sessions.has_clock else frame["next"].fillna(FAR)
    until = np.maximum(pd.Series(until).to_numpy(), announced.to_numpy())
    keep = ["event_id", "same", "next", "ambiguous", "placed"]
    return dated("calendar", frame[keep], ["event_id"], until)


def backtest_tables(result: BacktestResult, t: pd.Timestamp) -> Iterator[Dated]:
    """Yield the tables of a backtest, dated."""
    orders, keys = result.orders, ["strategy", "event_id", "ticker", "group"]
    # A stop or target within the bar is dated by the evening since when its level stood; an
    # exit that meets a halt is sent again: of the same name there may be several.
    inside = orders["reason"].isin(["leg stop", "leg target"])
    dates = orders["created"].where(~inside, orders["executed"])
    again = orders.groupby(keys, sort=False).cumcount()
    orders = orders.assign(created=orders["created"].astype(str), again=again)
    decided = orders[[*keys, "created", "again", "side", "size"]]
    yield dated("orders decided", decided, [*keys, "again"], dates)
    fate = [d if i else d + pd.offsets.BDay(1) for d, i in zip(dates, inside, strict=True)]
    fates = orders[[*keys, "again", "executed", "price", "status", "reason"]]
    lost = (fates["status"] == "lost").to_numpy()
    fate = [FAR if gone else day for gone, day in zip(lost, fate, strict=True)]
    yield dated("orders filled", fates, [*keys, "again"], fate)
    trades = result.trades
    cut = trades["exit_reason"].isin([OPEN_AT_END, FROZEN])
    names = ["strategy", "event_id", "ticker"]
    entered = trades[[*names, "side", "entry_date", "entry_price", "size"]]
    yield dated("trades entered", entered, names, trades["entry_date"])
    closed = trades["exit_date"].where(~cut, FAR)
    yield dated("trades closed", trades, names, closed)
    done = result.attribution
    cut = done["exit_reason"].str.contains(f"{OPEN_AT_END}|{FROZEN}")
    yield dated("attribution", done, names[:2], done["exit_date"].where(~cut, FAR))
    for name in ("equity", "yardsticks"):
        frame = getattr(result, name)
        table = dated(name, frame, ["strategy", "date"], frame["date"])
        yield replace(table, reach=pd.Timestamp(result.config["end"]))
    closes = result.closes.reset_index().melt("date", var_name="ticker", value_name="close")
    yield dated("closes", closes, ["date", "ticker"], closes["date"], [FAR] * len(closes))
    yield from _whole_window(result, t)


def _whole_window(result: BacktestResult, t: pd.Timestamp) -> Iterator[Dated]:
    """Yield figures over the whole window, dated by its end, and months that are over."""
    config, metrics = result.config, result.metrics
    cut = result.trades["exit_reason"].isin([OPEN_AT_END, FROZEN])
    open_ = set(result.trades.loc[cut, "strategy"])
    name = metrics["strategy"] + f" {config['start']} {config['end']}"
    until = [FAR if s in open_ else pd.Timestamp(config["end"]) for s in metrics["strategy"]]
    numbers = metrics.drop(columns=["orders_not_filled", "events_skipped"]).assign(strategy=name)
    yield dated("metrics", numbers, ["strategy"], until, [FAR] * len(until))
    months = result.monthly[~result.monthly["partial"] & result.monthly["month"].notna()]
    ends = [
        pd.Timestamp(int(y), int(m), 1) + pd.offsets.MonthEnd(0)
        for y, m in zip(months["year"], months["month"], strict=True)
    ]
    yield dated("monthly", months, ["strategy", "year", "month"], ends, [FAR] * len(ends))
