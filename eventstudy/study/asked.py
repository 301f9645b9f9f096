"""What was asked, checked before any number is computed: names, prices, benchmark, baskets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventstudy.baskets import DEFAULT_BASKETS, DEFAULT_OBSERVED, Baskets, parse_spread
from eventstudy.errors import StudyError, UnknownNameError, did_you_mean
from eventstudy.later import UNNAMED
from eventstudy.models import ReturnModel
from eventstudy.models.contract import needs_of
from eventstudy.prices.table import PriceTable
from eventstudy.sessions import Sessions, exchange_sessions
from eventstudy.significance import CONVENTIONS
from eventstudy.study.overlapping import OVERLAPS
from eventstudy.study.panel import EXCLUDES

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar


RETURNS = ("simple", "log")
ENGINES = ("whole", "streamed")


def require_names(
    convention: str, overlap: str, estimation_excludes: str, returns: str = "simple"
) -> None:
    """Refuse settings that do not exist.

    Raises
    ------
    UnknownNameError
        For the first one that is unknown.
    """
    for what, given, known in (
        ("convention", convention, CONVENTIONS),
        ("overlap", overlap, OVERLAPS),
        ("estimation_excludes", estimation_excludes, EXCLUDES),
        ("returns", returns, RETURNS),
    ):
        if given not in known:
            raise UnknownNameError(what, given, known)


def require_no_factors(models: Sequence[ReturnModel]) -> None:
    """Refuse models of factor returns, which are differences of simple returns.

    Raises
    ------
    StudyError
        Naming every one of them.
    """
    users = [model.name for model in models if needs_of(model).factors]
    if users:
        raise StudyError(
            f"returns log: {', '.join(users)} would set log returns beside factors, which are "
            "differences of simple returns and have no log; take returns simple, or a model "
            "without factors"
        )


def require_engine(engine: str, out: object, jobs: int, cluster: str | None) -> None:
    """Refuse an engine that there is not, and settings that only one of them has.

    Raises
    ------
    StudyError, UnknownNameError
    """
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    given = {"out": out is not None, "jobs": jobs != 1, "cluster": cluster is not None}
    named = [name for name, is_given in given.items() if is_given]
    if named and engine != "streamed":
        raise StudyError(f"{', '.join(named)}: only engine streamed takes it; give engine=streamed")


def as_table(prices: object) -> PriceTable:
    """Return a price table; a wide frame of adjusted closes is loaded as one."""
    if isinstance(prices, PriceTable):
        return prices
    import pandas as pd

    if not isinstance(prices, pd.DataFrame):
        raise StudyError(
            f"prices is a {type(prices).__name__}: give what load_prices returns, or a wide "
            "frame of adjusted closes"
        )
    from eventstudy.prices import load_prices

    return load_prices(prices)


def grid_of(sessions: Sessions | None, prices: PriceTable) -> Sessions:
    """Return the sessions from the first price to the last.

    Raises
    ------
    StudyError
        Where the events have no calendar, or the table no price.
    """
    if sessions is None:
        raise StudyError("the events are not aligned: read them with a calendar")
    if not len(prices.dates):
        raise StudyError("the price table is empty")
    first, last = prices.dates[0], prices.dates[-1]
    if sessions.has_clock:
        return exchange_sessions(sessions.name, first.item(), last.item())
    return sessions.between(first, last)


def require_calendar(events: object) -> None:
    """Refuse anything but a calendar.

    Raises
    ------
    StudyError
        Naming what was given.
    """
    from eventstudy.events import EventCalendar

    if not isinstance(events, EventCalendar):
        raise StudyError(
            f"events is a {type(events).__name__}: give what read_events returns; it reads a "
            "file or a frame"
        )


def require_benchmark(
    models: Sequence[ReturnModel], benchmark: str | None, prices: PriceTable
) -> None:
    """Refuse a benchmark without prices, and none where a model needs one.

    Raises
    ------
    StudyError, UnknownNameError
    """
    needing = [model.name for model in models if model.needs_benchmark]
    if benchmark is None and needing:
        raise StudyError(f"model {needing[0]} needs a benchmark: name its ticker")
    if benchmark is not None and benchmark not in prices:
        if benchmark in prices.missing:
            # The usual benchmark is not in a table that was loaded for another name.
            near = did_you_mean(benchmark, [*prices.tickers, "SPY"])
            raise StudyError(
                f"benchmark {benchmark!r} has no prices{near}: {prices.missing[benchmark]}"
            )
        raise UnknownNameError("benchmark", benchmark, prices.tickers)


def observed_names(
    asked: Sequence[str] | None, events: EventCalendar, prices: PriceTable
) -> tuple[tuple[str, ...], list[str]]:
    """Return what every event is observed on, and a note for each default left out.

    By default the user's own baskets, and the shipped ones where the calendar is about them:
    where an event lists a member or names the basket.
    """
    baskets = events.baskets
    if asked is not None:
        for name in asked:
            _basket_names(name, baskets)
        return tuple(dict.fromkeys(asked)), []
    own = [name for name in baskets if name not in DEFAULT_BASKETS]
    pairs = [f"{own[0]}-{own[1]}", f"{own[0]}-{own[1]}:ex"] if len(own) == 2 else []
    concerned = {t for event in events.study for t in baskets.resolve(event.tickers)}
    named = {token for event in events.study for token in (*event.tickers, *event.expects)}
    kept: list[str] = []
    left: dict[str, list[str]] = {}
    for name in (*own, *pairs, *DEFAULT_OBSERVED):
        sides = _basket_names(name, baskets)
        if not all(any(ticker in prices for ticker in baskets[side]) for side in sides):
            left.setdefault("the price table has none of the members", []).append(name)
        elif not own and not any(s in named or concerned & set(baskets[s]) for s in sides):
            left.setdefault(UNNAMED, []).append(name)
        elif own and name in DEFAULT_OBSERVED and not any(s in named for s in sides):
            left.setdefault("there are baskets of one's own", []).append(name)
        else:
            kept.append(name)
    notes = [f"Not observed: {', '.join(names)}: {why}." for why, names in left.items()]
    return tuple(kept), notes


def _basket_names(name: str, baskets: Baskets) -> tuple[str, ...]:
    if not name.startswith("@"):
        return ()
    if "-" in name:
        spread = parse_spread(name, baskets)
        return spread.long, spread.short
    baskets[name]
    return (name,)
