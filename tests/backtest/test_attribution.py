"""Attribution: by hand, and sums that hold for any trades."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.backtest.attribution import ATTRIBUTION_BY, BY, attribution_by

COLUMNS = (
    "strategy", "event_id", "ticker", "side", "exit_date", "pnl", "costs", "dividends",
)  # fmt: skip
KINDS = pd.Series({"e1": "earnings", "e2": "earnings", "e3": "deal"})


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = dict.fromkeys(COLUMNS[:4], "str")
    frame = frame.astype(
        {**texts, "exit_date": "datetime64[s]", **dict.fromkeys(COLUMNS[5:], float)}
    )
    return frame.assign(size=10.0, entry_price=25.0)


TRADES = frame_of(
    [
        ("s", "e1", "A", "long", "2024-02-01", 10.0, 1.0, 0.5),
        ("s", "e1", "B", "short", "2024-02-01", -30.0, 1.0, -0.5),
        ("s", "e2", "A", "long", "2024-01-31", 40.0, 2.0, 0.0),
        ("s", "e2", "B", "short", "2024-02-01", -10.0, 2.0, 0.0),
        ("s", "e3", "B", "long", "2024-01-31", 30.0, 3.0, 0.0),
        ("other", "e1", "A", "short", "2024-03-01", -5.0, 0.0, 0.0),
    ]
)


def test_every_way_by_hand():
    found = attribution_by(TRADES, KINDS)
    assert tuple(found.columns) == ATTRIBUTION_BY
    mine = found[found["strategy"] == "s"].set_index(["by", "key"])
    columns = ["legs", "events", "pnl", "costs", "dividends", "share_of_pnl", "hit_rate"]
    rows = {key: tuple(row) for key, row in mine[columns].iterrows()}
    # The whole is 40. Of e1 both legs together lose; of e2 they win.
    assert rows == {
        ("event", "e1"): (2, 1, -20.0, 2.0, 0.0, -0.5, 0.0),
        ("event", "e2"): (2, 1, 30.0, 4.0, 0.0, 0.75, 1.0),
        ("event", "e3"): (1, 1, 30.0, 3.0, 0.0, 0.75, 1.0),
        ("kind", "earnings"): (4, 2, 10.0, 6.0, 0.0, 0.25, 0.5),
        ("kind", "deal"): (1, 1, 30.0, 3.0, 0.0, 0.75, 1.0),
        ("side", "long"): (3, 3, 80.0, 6.0, 0.5, 2.0, 1.0),
        ("side", "short"): (2, 2, -40.0, 3.0, -0.5, -1.0, 0.0),
        ("ticker", "A"): (2, 2, 50.0, 3.0, 0.5, 1.25, 1.0),
        ("ticker", "B"): (3, 3, -10.0, 6.0, -0.5, -0.25, 1 / 3),
        ("exit_month", "2024-01"): (2, 2, 70.0, 5.0, 0.0, 1.75, 1.0),
        ("exit_month", "2024-02"): (3, 2, -30.0, 4.0, 0.0, -0.75, 0.0),
    }
    assert list(dict.fromkeys(found["by"])) == list(BY)
    loser = found[found["strategy"] == "other"]
    assert loser["share_of_pnl"].tolist() == [1.0] * 5  # all of a loss is all of it
    assert loser["hit_rate"].tolist() == [0.0] * 5


def test_no_trades_give_no_rows_of_the_same_types():
    empty = attribution_by(TRADES.iloc[:0], KINDS)
    assert empty.empty
    assert (empty.dtypes == attribution_by(TRADES, KINDS).dtypes).all()


def test_the_rounding_of_a_zero_is_no_hit():
    rows = [(*TRADES.iloc[0, :5], 1e-11, 0.0, 0.0), (*TRADES.iloc[2, :5], 0.01, 0.0, 0.0)]
    found = attribution_by(frame_of(rows), KINDS).set_index(["by", "key"])
    assert found.loc[("side", "long"), "hit_rate"] == 0.5


def test_a_whole_of_zero_has_no_shares():
    nothing = frame_of(
        [(*TRADES.iloc[0, :5], 10.0, 0.0, 0.0), (*TRADES.iloc[1, :5], -10.0, 0.0, 0.0)]
    )
    assert attribution_by(nothing, KINDS)["share_of_pnl"].isna().all()


@st.composite
def trades(draw):
    row = st.tuples(
        st.sampled_from(["s", "t"]),
        st.sampled_from(["e1", "e2", "e3"]),
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["long", "short"]),
        st.dates(pd.Timestamp("2023-11-01").date(), pd.Timestamp("2024-03-01").date()),
        *[st.integers(-1000, 1000)] * 3,
    )
    return frame_of(draw(st.lists(row, min_size=1, max_size=15)))


@settings(max_examples=30, deadline=None)
@given(trades())
def test_sums_and_hits_against_a_loop(frame):
    found = attribution_by(frame, KINDS)
    for name, rows in frame.groupby("strategy"):
        own = found[found["strategy"] == name]
        for column in ("pnl", "costs", "dividends"):
            sums = own.groupby("by")[column].sum()
            assert (sums == rows[column].sum()).all()
            assert set(sums.index) == set(BY)
        assert (own.groupby("by")["legs"].sum() == len(rows)).all()
        if rows["pnl"].sum():
            assert own.groupby("by")["share_of_pnl"].sum().to_numpy() == pytest.approx(1.0)
        for side in rows["side"].unique():
            earned = defaultdict(float)
            for record in rows[rows["side"] == side].to_dict("records"):
                earned[record["event_id"]] += record["pnl"]
            rate = own.set_index(["by", "key"]).loc[("side", side), "hit_rate"]
            assert rate == pytest.approx(np.mean([value > 0 for value in earned.values()]))
