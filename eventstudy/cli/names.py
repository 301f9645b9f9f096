"""What `eventstudy list` tells of each family of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Rows = Iterable[tuple[str, str]]


def describe(family: str, folder: str | None = None) -> Rows:
    """Return (name, meaning) of a family; `folder` holds the user's own strategies."""
    return FAMILIES[family](folder)


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def _models(_: str | None) -> Rows:
    from eventstudy.models import MODELS, WRITTEN, find_model
    from eventstudy.models.contract import needs_of

    rows = []
    for name, model in MODELS.items():
        factors = ", ".join(needs_of(model).factors)
        rows.append((name, _first_line(type(model)) + (f" [{factors}]" if factors else "")))
    examples = [(written, find_model(example)) for written, example in WRITTEN.items()]
    return [*rows, *((written, _first_line(type(model))) for written, model in examples)]


def _tests(_: str | None) -> Rows:
    from eventstudy.significance import TESTS
    from eventstudy.significance.single import SINGLE_TESTS

    over = [(name, f"{_first_line(type(test))} [{test.source}]") for name, test in TESTS.items()]
    return over + [(name, f"one event: {t.null} [{t.source}]") for name, t in SINGLE_TESTS.items()]


def _baskets(_: str | None) -> Rows:
    from eventstudy.baskets import DEFAULT_BASKETS

    return [
        (name, ", ".join(f"{t} {w:.0%}" for t, w in DEFAULT_BASKETS[name].items()))
        for name in DEFAULT_BASKETS
    ]


def _strategies(folder: str | None) -> Rows:
    from eventstudy.backtest import bundled_strategies, load_strategies

    found = dict(bundled_strategies()) | (dict(load_strategies(folder)) if folder else {})
    return [(name, _first_line(getattr(s, "cls", s))) for name, s in sorted(found.items())]


def _sizings(_: str | None) -> Rows:
    from eventstudy.backtest.sizing import SIZINGS

    return [(name, _first_line(sizing)) for name, sizing in SIZINGS.items()]


def _sources(_: str | None) -> Rows:
    return [
        ("sample", "the small table of public prices that ships with the project"),
        ("yahoo", "Yahoo Finance through yfinance, cached on disk"),
        ("DIR", "a folder or file of CSV or Parquet"),
    ]


def _calendars(_: str | None) -> Rows:
    import exchange_calendars

    names = exchange_calendars.get_calendar_names(include_aliases=False)
    return [("prices", "the benchmark's own dates, without a clock"), *((n, "") for n in names)]


def _claims(_: str | None) -> Rows:
    from eventstudy.claims import KINDS

    return [(name, kind.what) for name, kind in KINDS.items()]


FAMILIES: dict[str, Callable[[str | None], Rows]] = {
    "models": _models,
    "tests": _tests,
    "baskets": _baskets,
    "strategies": _strategies,
    "sizings": _sizings,
    "sources": _sources,
    "claims": _claims,
    "calendars": _calendars,
}
