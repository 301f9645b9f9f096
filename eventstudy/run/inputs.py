"""What a run reads before it computes: events, the prices that they need, and factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from eventstudy.errors import EventStudyError, UnknownNameError

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar
    from eventstudy.factors import FactorTable
    from eventstudy.prices import PriceTable
    from eventstudy.run.config import RunConfig

Say = Callable[[str], None]

MOST_DONORS = 200
"""Largest folder of prices that is read whole for the sake of donors nobody named."""


def silent(_: str) -> None:
    """Say nothing."""


def read_inputs(config: RunConfig, say: Say = silent) -> tuple[EventCalendar, PriceTable]:
    """Read the events, load the prices that they need, and align the events.

    Raises
    ------
    EventStudyError
        Where no file of events or no source of prices was named, or either is at fault.
    """
    from eventstudy.events import price_sessions

    if config.prices is None:
        raise EventStudyError(
            "where do prices come from? --prices sample, --prices yahoo or a folder of CSV or "
            "Parquet files"
        )
    say("reading events")
    events = read_calendar(config)
    named = {config.benchmark} if config.benchmark else set()
    members = set(config.all_baskets().resolve(config.all_baskets()))
    say(f"loading prices from {config.prices}")
    tickers = sorted(events.tickers | named | members | _further_tickers(config))
    prices = prices_of(config, tickers, config.missing)
    _require_priced(config, prices)
    if config.calendar == "prices":
        benchmark = config.benchmark if config.benchmark in prices else None
        events = events.align(price_sessions(prices, benchmark))
    return events, prices


def prices_of(
    config: RunConfig, tickers: Sequence[str], missing: Literal["error", "drop"] | None
) -> PriceTable:
    """Load prices of tickers from the source that a run names."""
    from eventstudy.prices import load_prices

    return load_prices(
        tickers,
        source=str(config.prices),
        start=config.start,
        end=config.end,
        calendar=config.calendar,
        missing=missing,
    )


def _require_priced(config: RunConfig, prices: PriceTable) -> None:
    """Refuse donors and candidates without prices; what was loaded is not all that there is."""
    from eventstudy.prices.load import find_source

    for what, names in (("donor", config.donors), ("matched ticker", config.matched)):
        for name in names or ():
            if name not in prices:
                held = getattr(find_source(str(config.prices)), "held", None)
                raise UnknownNameError(what, name, held() if held else prices.tickers)


def _further_tickers(config: RunConfig) -> set[str]:
    """Return the tickers that models and placebo tests name beside those of the events.

    Donors that are not named are all that a folder holds, where that is no more than
    `MOST_DONORS`.
    """
    from pathlib import Path

    from eventstudy.models import find_model
    from eventstudy.models.contract import needs_of
    from eventstudy.prices.load import find_source

    references = {needs_of(find_model(name)).reference for name in config.model} - {None}
    found = set(config.all_baskets().resolve(sorted(str(r) for r in references)))
    found |= set(config.matched or ())
    if config.donors is not None:
        return found | set(config.donors)
    folder = Path(str(config.prices)).expanduser()
    if config.prices not in ("sample", "yahoo") and folder.is_dir():
        held: tuple[str, ...] = getattr(find_source(folder), "held", tuple)()
        found |= set(held) if len(held) <= MOST_DONORS else set()
    return found


def read_factors(config: RunConfig) -> FactorTable | None:
    """Read the factor returns of a run, where it names a file of them."""
    if config.factors is None:
        return None
    from eventstudy.factors import load_factors

    return load_factors(config.factors, units=config.factor_units)


def read_calendar(config: RunConfig) -> EventCalendar:
    """Read the events of a run; with calendar ``prices`` they are not aligned yet."""
    from eventstudy.events import read_events

    if config.events is None:
        raise EventStudyError("which events? Name a file, such as events.csv")
    return read_events(
        config.events,
        calendar=None if config.calendar == "prices" else config.calendar,
        baskets=config.all_baskets(),
        assume_known=config.known_days(),
    )
