"""long_run(): events, prices and horizons joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eventstudy.baskets import Baskets
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.longrun.caps import read_caps
from eventstudy.longrun.config import (
    LongRunConfig,
    Matched,
    as_horizons,
    named,
    require_options,
    split_matched,
)
from eventstudy.longrun.matching import CHARACTERISTICS
from eventstudy.longrun.outcomes import (
    Market,
    Outcome,
    against_benchmark,
    against_matched,
    observed_events,
)
from eventstudy.longrun.portfolios import calendar_tables, make_weights, make_yardstick
from eventstudy.longrun.result import LongRunResult
from eventstudy.longrun.tables import (
    alignments_of,
    bhar_frame,
    dropped_frame,
    make_cells,
    tests_frame,
)
from eventstudy.prices.table import PriceTable
from eventstudy.sessions import Sessions
from eventstudy.study.asked import as_table, grid_of, require_calendar
from eventstudy.study.groups import own_label
from eventstudy.study.observed import Drop, Observation
from eventstudy.windows import Window, make_frame

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.events import EventCalendar
    from eventstudy.factors import FactorTable

Drops = list[tuple[str, Window, Drop]]


def long_run(
    events: EventCalendar,
    prices: PriceTable | pd.DataFrame,
    *,
    benchmark: str = "SPY",
    horizon: str | int | Window | Iterable[str | int | Window] = (1, 126),
    on: str = "own",
    matched: Matched | None = None,
    neighbours: int = 3,
    match_on: Sequence[str] = CHARACTERISTICS,
    rebalance: str = "never",
    weights: str | Sequence[str] = "equal",
    caps: pd.DataFrame | str | Path | None = None,
    factors: FactorTable | pd.DataFrame | None = None,
    factor_names: Sequence[str] | None = None,
    overlap: str = "keep",
    min_firms: int = 1,
    lags: int | None = None,
    draws: int = 1000,
    estimation: int = 250,
    gap: int = 10,
    min_estimation: int = 100,
    strict: bool = False,
    seed: int = 0,
) -> LongRunResult:
    """Measure performance over the months after events.

    Two answers that differ where events crowd together: the mean buy-and-hold abnormal return
    over events, and the alpha of a portfolio that holds, session by session, every firm with
    an event of late.

    Parameters
    ----------
    events : EventCalendar
        Aligned to sessions; rows of use ``context`` are left aside.
    prices : PriceTable or DataFrame
        A wide frame of adjusted closes, a column a ticker, is taken as `load_prices` takes it.
    benchmark : str
        Ticker of the market.
    horizon : (int, int), str, int, or an iterable of them
        Sessions from session 0, both ends included; (1, 126) starts after the session of
        the news, and 126 alone means the same.
    on : str
        ``own``: each event on its subject, or its first ticker; otherwise a ticker or basket
        on which every event is observed.
    matched : mapping, or sequence of str, optional
        Control firms by ticker or event_id; or candidates, of which each event takes its
        nearest neighbours. Events' own tickers and the benchmark are never neighbours; leave
        funds out of the candidates.
    neighbours : int
    match_on : sequence of {"beta", "volatility", "momentum"}
        Measured on the estimation window alone.
    rebalance : {"never", "session"}
        ``never``: the matched portfolio is bought once (mean of compounded returns).
        ``session``: brought back to equal weights each session (compounded mean return).
    weights : {"equal", "value", "dollar_volume"} or a sequence of them
        Of the calendar-time portfolio. ``dollar_volume`` is a proxy for value.
    caps : DataFrame or path, optional
        Market capitalisations for ``value``, a row a date and a column a ticker, or a CSV file
        of them; a date without a row takes the last before it, and a session's weights are
        those of the session before.
    factors : FactorTable or DataFrame, optional
        What `load_factors` returns, or factor returns by date in decimals per session;
        ``rf`` among them is the risk-free rate. With ``rf`` alone, the benchmark's excess
        return is the one factor.
    factor_names : sequence of str, optional
        Which factors, such as ``("mkt_rf", "smb", "hml")``; all but ``rf`` by default, and
        the benchmark's excess return for an empty one.
    overlap : {"keep", "drop", "keep-first", "joint"}
        What becomes of the BHARs of one firm whose horizons share sessions, by the names of
        `event_study`: all stay under ``joint`` too. Calendar time holds a firm once anyway.
    min_firms : int
        Fewest firms with which a session of the calendar-time portfolio counts.
    lags : int, optional
        Of the Newey-West errors; floor(4 (T / 100)^(2/9)) by default.
    draws : int
        Resamples of the bootstrap.
    estimation, gap, min_estimation : int
        Sessions of the estimation window on which neighbours are measured.
    strict : bool
        Whether anything left out is an error.
    seed : int

    Returns
    -------
    LongRunResult

    Raises
    ------
    StudyError
        Where options contradict each other, nothing is left, or `strict` is given and
        something is left out.
    UnknownNameError
        For a ticker or basket that does not exist.

    References
    ----------
    Lyon, J., Barber, B. and Tsai, C.-L. (1999). Journal of Finance 54, 165-201.
    Fama, E. (1998). Journal of Financial Economics 49, 283-306.
    """
    controls, candidates = split_matched(matched)
    frame = make_frame(
        as_horizons(horizon), estimation=estimation, gap=gap, min_estimation=min_estimation
    )
    config = LongRunConfig(
        benchmark, on, frame, controls, candidates, neighbours, named(match_on), rebalance,
        named(weights), overlap, min_firms, lags, draws, seed,
    )  # fmt: skip
    require_options(config, has_caps=caps is not None)
    sized = read_caps(caps) if isinstance(caps, str | Path) else caps
    table = as_table(prices)
    require_calendar(events)
    _require_names(config, events, table)
    market, table = _on_grid(events.sessions, table, benchmark)
    outcomes, alignments, drops = _outcomes(events, market, config)
    cells, crowded = make_cells(outcomes, alignments, overlap)
    holdings, lost = _holdings(events, market, config)
    drops += [("bhar", h, d) for h, d in crowded] + lost
    _require_something(bool(cells), drops, strict=strict)
    everyone = [o for held in holdings.values() for o in held]
    sizes = {w: make_weights(everyone, market, table, sized, w) for w in config.weights}
    yardstick = make_yardstick(factors, factor_names, market, benchmark)
    calendar_time, portfolios = calendar_tables(
        holdings, alignments, market, sizes, yardstick, config
    )
    return LongRunResult(
        config=config,
        alignments=alignments,
        bhar=bhar_frame(cells, market.days),
        tests=tests_frame(cells, config),
        calendar_time=calendar_time,
        portfolios=portfolios,
        dropped=dropped_frame(drops),
        span=(market.days[0], market.days[-1]),
        source=table.source,
    )


def _require_names(config: LongRunConfig, events: EventCalendar, table: PriceTable) -> None:
    """Check tickers, baskets and keys of controls against calendar and prices."""
    if config.benchmark not in table:
        raise UnknownNameError("benchmark", config.benchmark, table.tickers)
    _require_observed(config.on, events.baskets, table)
    for ticker in config.candidates:
        table.column(ticker)
    own = {own_label(e) for e in events.study} if config.on == "own" else {config.on}
    keys = own | {e.event_id for e in events.study}
    for key, tickers in config.controls.items():
        if key not in keys:
            raise UnknownNameError("event or ticker in matched", key, keys)
        if key in tickers:
            raise StudyError(f"matched: {key} is given as its own control")
        for ticker in tickers:
            table.column(ticker)


def _require_observed(on: str, baskets: Baskets, table: PriceTable) -> None:
    if on == "own":
        return
    if not on.startswith("@"):
        table.column(on)
    elif "-" in on:
        raise StudyError(f"on={on!r}: a spread has no buy-and-hold return; name one of its baskets")
    else:
        baskets[on]


def _on_grid(
    sessions: Sessions | None, table: PriceTable, benchmark: str
) -> tuple[Market, PriceTable]:
    """Return returns and prices on the sessions from the first price to the last."""
    days = grid_of(sessions, table).days
    placed = table.on_sessions(days)
    returns = placed.returns
    return Market(placed.tickers, days, returns, returns[:, placed.column(benchmark)]), placed


def _outcomes(
    events: EventCalendar, market: Market, config: LongRunConfig
) -> tuple[list[Outcome], tuple[str, ...], Drops]:
    """Return every event at every horizon against benchmark and controls."""
    outcomes: list[Outcome] = []
    everyone: list[Observation] = []
    drops: Drops = []
    for horizon in config.horizons:
        kept, lost = observed_events(
            events.study.events, horizon, market, events.baskets, config.on
        )
        found, unpriced = against_benchmark(kept, horizon, market, config.benchmark)
        lost += unpriced
        if config.matches:
            more, unmatched = against_matched(kept, horizon, market, events.baskets, config)
            found, lost = found + more, lost + unmatched
        outcomes += found
        everyone += kept
        drops += [("bhar", horizon, d) for d in lost]
    return outcomes, alignments_of(everyone), drops


def _holdings(
    events: EventCalendar, market: Market, config: LongRunConfig
) -> tuple[dict[Window, list[Observation]], Drops]:
    """Return who is held in calendar time: horizons cut short by the table's end count."""
    held: dict[Window, list[Observation]] = {}
    drops: Drops = []
    for horizon in config.horizons:
        start = (horizon[0], horizon[0])
        held[horizon], lost = observed_events(
            events.study.events, start, market, events.baskets, config.on
        )
        drops += [("calendar_time", horizon, d) for d in lost]
    return held, drops


def _require_something(kept: bool, drops: Drops, *, strict: bool) -> None:
    if kept and not (strict and drops):
        return
    lines = [f"  {d.event_id} {d.ticker}: {d.reason}: {d.detail}" for _, _, d in drops]
    lines = list(dict.fromkeys(lines))
    shown = lines[:20] + ([f"  ... and {len(lines) - 20} more"] if len(lines) > 20 else [])
    crowded = any(d.reason == "overlapping_horizon" for _, _, d in drops)
    none = "no event is left to hold" if crowded else "no event has a full horizon"
    head = "strict: something was left out" if kept else none
    raise StudyError("\n".join([head + (":" if shown else ": there is no study event"), *shown]))
