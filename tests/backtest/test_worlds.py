"""Random small worlds: the books balance, and the future changes nothing in the past.

The worlds have holes, a late listing, a delisting, dividends, bars without a range, volumes that
are zero or missing; the runs have every kind of fill, limits that bind, margin calls, impact and
participation.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest import Costs, EventStrategy, Limits, backtest
from eventstudy.errors import BacktestError

COUNT = 30
NAMES = ("A", "B", "C", "SPY")
CAPITAL = 1e5
RATE = 0.04
COMMISSION, BORROW, HARD, REBATE, DEBIT = 5, 300, 2_000, 0.5, 150
FRACTIONS = st.one_of(st.none(), st.floats(0.005, 0.08))


class Random(EventStrategy):
    """Weights drawn from what can be seen, so that a peek would change them."""

    hold: int = 4
    gross: float = 0.3
    legs: int = 3

    def targets(self, event, history):
        seed = int(np.nansum(np.abs(history.close)) * 1e6) % 2**32
        rng = np.random.default_rng(seed)
        drawn = {t: float(rng.uniform(-0.5, 0.5)) for t in event.tickers if rng.random() < 0.8}
        return dict(list(drawn.items())[: self.legs])


@st.composite
def worlds(draw):
    """A world as numbers: what `build` makes of them can be shrunk and shown."""
    cells = st.tuples(st.integers(0, COUNT - 1), st.integers(0, 2))
    world = {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "rows": draw(st.lists(st.integers(0, COUNT + 1), min_size=1, max_size=8)),
        "holes": draw(st.lists(cells, max_size=12, unique=True)),
        "blind": draw(st.lists(cells, max_size=4, unique=True)),
        "dry": draw(st.lists(cells, max_size=20, unique=True)),
        "ends": draw(st.one_of(st.none(), st.integers(8, COUNT - 2))),
        "starts": draw(st.one_of(st.none(), st.integers(1, 12))),
    }
    limit = draw(st.one_of(st.none(), st.none(), st.floats(0.001, 0.03)))
    options = {
        "hold": draw(st.integers(1, 8)),
        "entry": draw(st.integers(1, 3)),
        "gross": draw(st.sampled_from([0.3, 1.5])),
        "fill": "open" if limit else draw(st.sampled_from(["open", "close"])),
        "limit": limit,
        "legs": 1 if limit else 3,
        "stop_loss": draw(FRACTIONS),
        "take_profit": draw(FRACTIONS),
        "leg_stop": draw(FRACTIONS),
        "leg_target": draw(FRACTIONS),
        "participation": draw(st.one_of(st.none(), st.floats(0.01, 0.5))),
        "size_of": draw(st.sampled_from(["capital", "equity"])),
    }
    terms = {
        "gross": draw(st.sampled_from([0.3, 2.0, 9.0])),
        "maintenance": draw(st.sampled_from([0.0, 0.25, 0.9])),
        "impact": draw(st.sampled_from([0.0, 0.0, 0.5])),
        "half_spread_bp": draw(st.sampled_from([0, 10, 300])),
        "shortable": draw(st.sampled_from([{}, {}, {"B": False}])),
    }
    return world, options, terms


def build(world, make_event, make_table, make_days):
    rng = np.random.default_rng(world["seed"])
    days = make_days(COUNT + 2)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (COUNT, 4)), axis=0))
    opens = close * np.exp(rng.normal(0, 0.01, (COUNT, 4)))
    high = np.fmax(opens, close) * np.exp(np.abs(rng.normal(0, 0.01, (COUNT, 4))))
    low = np.fmin(opens, close) * np.exp(-np.abs(rng.normal(0, 0.01, (COUNT, 4))))
    volume = rng.lognormal(8, 1, (COUNT, 4)).round()
    for k, (row, column) in enumerate(world["dry"]):
        volume[row, column] = (0.0, np.nan)[k % 2]
    for row, column in world["blind"]:
        high[row, column] = low[row, column] = np.nan
    gone = np.zeros((COUNT, 4), dtype=bool)
    for row, column in world["holes"]:
        gone[row, column] = True
    gone[world["ends"] or COUNT :, 0] = True
    gone[: world["starts"] or 0, 1] = True
    bars = {"open": opens, "high": high, "low": low, "close": close, "volume": volume}
    for values in bars.values():
        values[gone] = np.nan
    prices = {n: {f: values[:, i] for f, values in bars.items()} for i, n in enumerate(NAMES)}
    paid = {n: {str(days[int(rng.integers(COUNT))]): float(rng.uniform(0, 2))} for n in NAMES}
    events = [
        make_event(f"e{i}", str(days[row]), tickers=("A", "B", "C"), row=i)
        for i, row in enumerate(world["rows"])
    ]
    return events, make_table(days[:COUNT], prices, paid)


def run(events, table, options, terms):
    """Return the result, or None where the run is refused, in words that say why."""
    costs = Costs(
        COMMISSION, terms["half_spread_bp"], BORROW, borrow={"C": HARD}, rebate=REBATE,
        debit_bp=DEBIT, impact=terms["impact"],
    )  # fmt: skip
    share = terms["maintenance"]
    limits = Limits(
        gross=terms["gross"], net=terms["gross"], single=terms["gross"], cash=False,
        initial=min(0.5, share), maintenance_long=share, maintenance_short=share,
    )  # fmt: skip
    try:
        return backtest(
            events, table, (Random, options), costs=costs, capital=CAPITAL, risk_free=RATE,
            limits=limits, shortable=terms["shortable"], engine="cerebro",
        )  # fmt: skip
    except BacktestError as error:
        days, entry = table.dates, options["entry"]
        inside = any(np.searchsorted(days, e.next) + entry - 1 < len(days) for e in events)
        words = "nothing could be traded" if inside else "no event can be traded"
        if not str(error).startswith(words):
            raise
        return None


def filled_exits(orders):
    done = orders["status"].isin(["filled", "settled"])
    return orders[done & orders["group"].str.endswith("exit")]


@settings(max_examples=20, deadline=None)
@given(world=worlds())
def test_the_books_balance_and_follow_from_the_orders(world, make_event, make_table, make_days):
    events, table = build(world[0], make_event, make_table, make_days)
    result = run(events, table, *world[1:])
    if result is not None:
        balanced(result, events)
        followed(result, table, world[2]["maintenance"])


def balanced(result, events):
    """Profits, costs and words add up, and every leg leaves once."""
    row = result.metrics.iloc[0]
    change = result.equity["value"].iloc[-1] - CAPITAL
    assert result.trades["pnl"].sum() + row["interest"] == pytest.approx(change, abs=1e-8 * CAPITAL)
    assert np.isfinite(result.trades.select_dtypes("number")).all().all()
    solvent = result.equity["value"] > 0
    figures = result.equity[["value", "return", "gross", "net"]]
    assert np.isfinite(figures["value"]).all()
    assert np.isfinite(figures[solvent & solvent.shift(fill_value=True)]).all().all()
    parts = row["commission"] + row["slippage"] + row["borrow"]
    assert result.trades["costs"].sum() == pytest.approx(parts)
    assert (result.trades["costs"] >= 0).all()
    told = set(result.trades["event_id"]) | set(
        result.skipped.loc[result.skipped["reason"] != "member", "event_id"]
    )
    assert told == {event.event_id for event in events}  # nothing is lost without a word
    orders = result.orders
    assert not orders["status"].eq("sent").any()
    assert orders.loc[orders["status"] != "filled", "reason"].str.len().gt(0).all()
    entries = orders[orders["group"].str.endswith("entry")]
    whole = [len(set(statuses)) == 1 for _, statuses in entries.groupby("event_id")["status"]]
    assert all(whole)  # all legs or none
    left = filled_exits(orders)
    assert not left.duplicated(["event_id", "ticker"]).any()  # a leg leaves once
    still = result.trades["exit_reason"].isin(["open at end of data"]).sum()
    frozen = (result.trades["exit_reason"] == "frozen at last price").sum()
    assert len(result.trades) - still - frozen <= len(left) <= len(result.trades)


def replayed(result, table):
    """The value path from the orders and prices alone, by a plain loop over sessions."""
    first = int(np.searchsorted(table.dates, np.datetime64(result.equity["date"].iloc[0], "D")))
    column = {n: i for i, n in enumerate(table.tickers)}
    done = result.orders[result.orders["status"].isin(["filled", "settled"])]
    legs, last, cash, path = {}, {}, CAPITAL, []
    for row in range(first, first + len(result.equity)):
        day = table.dates[row]
        gap = int((day - table.dates[row - 1]).astype(int)) if row > first else 0
        net = {}
        for (_, ticker), size in legs.items():
            net[ticker] = net.get(ticker, 0.0) + size
        short = sum(max(-size, 0.0) * last[t] for t, size in net.items())
        rate = RATE * gap / 360
        balance = cash - short
        charge = DEBIT * 1e-4 * gap / 360 if balance < 0 else 0.0
        flow = balance * (rate + charge) + short * rate * REBATE
        for ticker, size in net.items():
            flow += size * table.dividends[row, column[ticker]]
            fee = HARD if ticker == "C" else BORROW
            flow -= max(-size, 0.0) * last[ticker] * fee * 1e-4 * gap / 360
        cash += flow
        for order in done[done["executed"] == day].itertuples():
            size = order.size if order.side == "buy" else -order.size
            cash -= size * order.price
            if order.status == "filled":
                cash -= abs(size) * order.price * COMMISSION * 1e-4
            key = (order.event_id, order.ticker)
            legs[key] = legs.get(key, 0.0) + size if order.group.endswith("entry") else 0.0
        for ticker, at in column.items():
            if np.isfinite(table.close[row, at]):
                last[ticker] = table.close[row, at]
        held = {key: size for key, size in legs.items() if size}
        path.append((cash + sum(size * last[t] for (_, t), size in held.items()), held, dict(last)))
    return first, path


def followed(result, table, share):
    """The value path is that of a loop; margin calls have an order that same evening."""
    first, path = replayed(result, table)
    values = [value for value, _, _ in path]
    assert result.equity["value"].to_numpy() == pytest.approx(values, rel=1e-11, abs=1e-6)
    exits = result.orders[result.orders["group"].str.endswith("exit")]
    for row, (value, held, last) in enumerate(path, first):
        evening = exits[exits["created"] == table.dates[row]]
        sent = evening[~evening["reason"].isin(["leg stop", "leg target"])]
        leaving = set(sent["event_id"])
        halted = {t for t in NAMES if not np.isfinite(table.open[row, NAMES.index(t)])}
        kept = {k: s for k, s in held.items() if k[0] not in leaving or k[1] in halted}
        net = {}
        for (_, ticker), size in kept.items():
            net[ticker] = net.get(ticker, 0.0) + size * last[ticker]
        needed = share * sum(abs(v) for v in net.values())
        candidates = {event for event, _ in held} - leaving
        assert value >= needed - 1e-6 or not candidates


@settings(max_examples=20, deadline=None)
@given(world=worlds())
def test_fills_lie_within_their_bar_and_sizes_within_volume(
    world, make_event, make_table, make_days
):
    events, table = build(world[0], make_event, make_table, make_days)
    _, options, terms = world
    result = run(events, table, options, {**terms, "half_spread_bp": 0, "impact": 0.0})
    if result is None:
        return
    rows = {day: i for i, day in enumerate(table.dates)}
    median = pd.DataFrame(table.volume).rolling(20, min_periods=1).median().to_numpy()
    for order in result.orders.itertuples():
        column = NAMES.index(order.ticker)
        if order.status == "filled":
            row = rows[np.datetime64(order.executed, "D")]
            assert order.executed > order.created
            bar = [getattr(table, f)[row, column] for f in ("open", "high", "low", "close")]
            assert np.nanmin(bar) * (1 - 1e-11) <= order.price <= np.nanmax(bar) * (1 + 1e-11)
            in_range = "leg" in order.reason and " of " not in order.reason
            if order.group.endswith("entry") and options["limit"] is None:
                assert order.price == bar[0 if options["fill"] == "open" else 3]
            elif order.group.endswith("exit") and not in_range:
                closing = order.reason == "time" and options["fill"] == "close"
                assert order.price == bar[3 if closing else 0]
        if order.group.endswith("entry") and options["participation"]:
            allowed = options["participation"] * median[rows[np.datetime64(order.created, "D")]]
            assert order.size <= allowed[column] * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(world=worlds(), cut=st.integers(3, COUNT - 2), seed=st.integers(0, 1000))
def test_a_later_world_changes_nothing_earlier(world, cut, seed, make_event, make_table, make_days):
    events, table = build(world[0], make_event, make_table, make_days)
    rng = np.random.default_rng(seed)
    factor = np.ones(table.close.shape)
    factor[cut:] = rng.uniform(0.5, 2.0, table.close[cut:].shape)
    changed = {f: getattr(table, f) * factor for f in ("open", "high", "low", "close", "volume")}
    changed["dividends"] = table.dividends * factor
    lost = rng.random(table.close.shape) < 0.1
    lost[:cut] = False
    for name in ("high", "low"):
        changed[name] = np.where(lost, np.nan, changed[name])
    before = run(events, table, *world[1:])
    after = run(events, replace(table, **changed), *world[1:])
    if before is None or after is None:
        return
    last = pd.Timestamp(table.dates[cut - 1].item())
    told = []
    for result in (before, after):
        orders = result.orders
        # A stop or a target within the bar is dated by the evening since when its level stood.
        reached = orders["reason"].isin(["leg stop", "leg target"]) & (orders["executed"] > last)
        sent = orders[(orders["created"] <= last) & ~reached]
        fills = sent[sent["executed"] <= last]
        told.append((
            sent[["event_id", "ticker", "group", "side", "size", "created"]],
            fills[["event_id", "ticker", "group", "executed", "price", "status", "reason"]],
        ))  # fmt: skip
    for ours, theirs in zip(*told, strict=True):
        pd.testing.assert_frame_equal(
            ours.reset_index(drop=True), theirs.reset_index(drop=True), check_exact=True
        )
    values = [r.equity.loc[r.equity["date"] <= last, "value"].to_numpy() for r in (before, after)]
    shared = min(map(len, values))
    assert values[0][:shared].tolist() == values[1][:shared].tolist()


def test_the_random_worlds_reach_every_fate(make_event, make_table, make_days):
    """What the properties above are worth: fates, reasons of exits and of skips that occur."""
    fates, exits, skips, words = set(), set(), set(), set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        cells = [tuple(map(int, c)) for c in rng.integers(0, (COUNT, 3), (12, 2))]
        limited = seed % 4 == 3
        world = {
            "seed": seed, "rows": [2, 5, 8, 9, 13, 17, 22, 27, 29], "holes": cells[:6],
            "blind": cells[6:8] if seed % 5 == 0 else [], "dry": cells[8:],
            "ends": 20 if seed % 2 else None, "starts": 4,
        }  # fmt: skip
        options = {
            "hold": 5, "gross": 1.5, "entry": 1, "fill": "close" if seed % 4 == 1 else "open",
            "limit": 0.01 if limited else None, "legs": 1 if limited else 3,
            "stop_loss": 0.06 if seed % 3 == 0 else None,
            "take_profit": 0.05 if seed % 3 == 0 else None,
            "leg_stop": 0.05 if seed % 3 == 1 else None,
            "leg_target": 0.08 if seed % 3 == 1 else None,
            "participation": 0.05 if seed % 7 == 0 else None, "size_of": "equity",
        }  # fmt: skip
        terms = {
            "gross": 2.0 if seed % 2 else 9.0, "maintenance": 0.9 if seed % 3 == 2 else 0.25,
            "impact": 0.5 if seed % 6 == 0 else 0.0, "half_spread_bp": 10,
            "shortable": {"B": False} if seed % 8 == 0 else {},
        }  # fmt: skip
        result = run(*build(world, make_event, make_table, make_days), options, terms)
        if result is not None:
            fates |= set(result.orders["status"])
            exits |= {reason.split(" of ")[0] for reason in result.trades["exit_reason"]}
            skips |= set(result.skipped["reason"])
            words |= {word.split(" ")[0] for word in result.orders["reason"]}
    assert fates == {"filled", "cancelled", "rejected", "settled", "lost"}
    assert exits == {
        "time", "stop", "target", "leg stop", "leg target", "margin call",
        "frozen at last price", "open at end",
    }  # fmt: skip
    assert skips >= {"no_price", "no_range", "no_volume", "not_shortable", "cancelled", "rejected"}
    assert {"scaled", "gross", "initial"} <= words
