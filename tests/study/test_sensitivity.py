"""One choice changed at a time gives what the question asked that way gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.study.sensitivity import again, sensitivity_frame

GROUP = "directional"
WINDOWS = ["0,0", "2,10"]


@pytest.fixture(scope="module")
def asked() -> dict[str, object]:
    events = es.read_events("events.csv")
    return {"events": events, "prices": es.load_prices(events.tickers | {"SPY"}, source="sample")}


@pytest.fixture(scope="module")
def study(asked: dict[str, object]) -> es.StudyResult:
    return es.event_study(asked["events"], asked["prices"], window=WINDOWS)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frame(study: es.StudyResult) -> pd.DataFrame:
    return sensitivity_frame(study, GROUP)


@pytest.mark.parametrize(
    ("choice", "asked_as"),
    [
        ("as asked", {}),
        ("estimation windows: without own events", {"estimation_excludes": "own_events"}),
        ("overlapping events: dropped", {"overlap": "drop"}),
        ("overlapping events: first kept", {"overlap": "keep-first"}),
        ("model: constant mean", {"model": "mean"}),
        ("model: market-adjusted", {"model": "market-adjusted"}),
    ],
)
def test_each_row_is_the_study_that_was_asked_that_way(
    frame: pd.DataFrame, asked: dict[str, object], choice: str, asked_as: dict[str, str]
) -> None:
    alone = es.event_study(asked["events"], asked["prices"], window=WINDOWS, **asked_as)  # type: ignore[arg-type]
    own = alone.summary_frame()
    own = own[own["group"] == GROUP].set_index(["alignment", "window"]).sort_index()
    rows = (
        frame[(frame["choice"] == choice) & frame["note"].isna()]
        .set_index(["alignment", "window"])
        .sort_index()
    )
    assert list(rows.index) == list(own.index)
    for column in ("n", "n_dates", "caar", "lo", "hi", "p_kolari_pynnonen", "p_corrado"):
        np.testing.assert_allclose(
            rows[column].astype(float), own[column].astype(float), rtol=1e-12, err_msg=column
        )


def test_what_was_asked_is_not_listed_twice(frame: pd.DataFrame) -> None:
    told = set(frame["choice"])
    assert "model: market" not in told
    assert "overlapping events: kept" not in told
    assert "estimation windows: all sessions" not in told
    assert len(told) == 7


def test_own_events_leave_and_the_estimate_moves(study: es.StudyResult) -> None:
    varied = again(study, estimation_excludes="own_events")
    before = study.cars.set_index(["event_id", "ticker", "alignment", "window"])["n_estimation"]
    after = varied.cars.set_index(["event_id", "ticker", "alignment", "window"])["n_estimation"]
    both = before.index.intersection(after.index)
    assert (after[both] <= before[both]).all()
    assert (after[both] < before[both]).any()


def test_a_choice_that_leaves_nothing_is_told(asked: dict[str, object]) -> None:
    events = asked["events"].select(  # type: ignore[attr-defined]
        ["avgo-earnings-2024-12-12", "sutskever-neurips-2024"]
    )
    study = es.event_study(events, asked["prices"], window="0,0")  # type: ignore[arg-type]
    frame = sensitivity_frame(study, "all")
    dropped = frame[frame["choice"] == "overlapping events: dropped"]
    assert len(dropped)
    assert frame["choice"].iloc[0] == "as asked"
