"""What the page says of choices, of many tests, of volume and of the long run."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.activity import variance_ratio
from eventstudy.report import activity, robustness, words
from eventstudy.report.case import make_case

AVGO = "avgo-earnings-2024-12-12"


def number(text: str) -> float:
    return float(text.replace("\N{MINUS SIGN}", "-").rstrip("%"))


def test_the_table_of_choices_leads_with_what_was_asked(made: Made) -> None:
    table = robustness.sensitivity_table(made.study)
    heads = [label for label, _ in table.columns]
    assert all(len(row) == len(heads) for row in table.rows)
    effect = made.study.effects
    asked = {
        (str(r["alignment"]), str(r["window"])): r["caar"]
        for r in effect[effect["group"] == "directional"].to_dict("records")
    }
    shown = [row for row in table.rows if row[0] == "as asked"]
    assert len(shown) == len(made.study.alignments) * 3
    first = {name: k for k, name in enumerate(heads)}
    for row in shown:
        key = (row[first["reading"]], words.window_text("0,0"))
        if row[first["window"]] == key[1]:
            assert number(str(row[first["mean CAR"]])) == pytest.approx(
                100 * asked[str(key[0]), "0,0"], abs=0.0051
            )
    told = {row[0] for row in table.rows}
    assert "estimation windows: without own events" in told
    assert "overlapping events: dropped" in told


def test_the_page_holds_every_new_table(made: Made) -> None:
    for name in ("sensitivity", "multiple", "survivors"):
        assert f'id="table-{name}"' in made.html
    assert "Adjusted for" in made.html


def test_adjusted_p_values_are_those_of_the_family(made: Made) -> None:
    """Holm by hand: the k-th smallest of m times m - k + 1, never falling, at most one."""
    asked = made.study.multiple
    family = asked[
        (asked["test"] == "kolari_pynnonen")
        & (asked["alignment"] == "next")
        & asked["p_value"].notna()
    ].sort_values("p_value", kind="stable")
    p = family["p_value"].to_numpy()
    m = len(p)
    running, by_hand = 0.0, []
    for k, value in enumerate(p):
        running = max(running, min(1.0, (m - k) * value))
        by_hand.append(running)
    np.testing.assert_allclose(family["p_holm"], by_hand, rtol=1e-12)
    assert (family["family_size"] == m).all()
    line = robustness.multiple_line(made.study)
    assert f"Adjusted for {m} tests" in line


def test_survivors_are_counted_by_hand(made: Made) -> None:
    """On one series, an event survives `drop` where no other stands within the hull's length."""
    study = made.study
    lead = study.config.lead
    positions = sorted(
        o.reading.position
        for o in study.observations
        if o.label == lead and "next" in o.reading.alignments
    )
    length = len(study.config.frame.days)
    alone = [
        p
        for i, p in enumerate(positions)
        if all(abs(p - q) >= length for j, q in enumerate(positions) if j != i)
    ]
    frame = study.survivors
    row = frame[
        (frame["policy"] == "drop") & (frame["alignment"] == "next") & (frame["label"] == lead)
    ].iloc[0]
    assert (int(row["kept"]), int(row["of"])) == (len(alone), len(positions))


def test_the_case_says_what_is_joint_and_which_tests_to_read(made: Made) -> None:
    case = make_case(made.study, AVGO)
    text = " ".join(case.not_identified)
    assert "sutskever-neurips-2024" in text
    assert "cannot separate" in text
    assert any(line.startswith("Read `sq` and `placebo_time` first") for line in case.reading)
    assert any(line.startswith("`placebo_kind`") for line in case.reading)


def test_variance_of_the_case_is_the_squared_t(made: Made) -> None:
    """For one day AR' V^-1 AR / 1 is the square of the forecast t."""
    table = activity.case_activity_table([variance_ratio(made.study, every_day=False)], AVGO)
    cars = made.study.cars
    own = cars[
        (cars["event_id"] == AVGO) & (cars["window"] == "0,0") & (cars["alignment"] == "stated")
    ].set_index("ticker")["t"]
    shown = {row[0]: row for row in table.rows if row[1] == "day 0"}
    assert set(shown) == set(own.index)
    at = [label for label, _ in table.columns].index("variance, times")
    for ticker, t in own.items():
        assert number(str(shown[str(ticker)][at]).replace(",", "")) == pytest.approx(
            t**2, abs=0.051
        )


def test_a_page_without_volume_says_no_word_of_it(made: Made) -> None:
    assert "case-activity" not in made.html
    assert "The long run" not in made.html


def test_the_long_run_has_its_section(made: Made, tmp_path: object) -> None:
    later = es.long_run(made.study.events, made.study.prices, horizon=(1, 20))
    html = es.report.render_html(made.study, long_run=later)
    assert 'id="long-run"' in html
    means = later.means
    row = means[(means["group"] == "all") & (means["alignment"] == later.alignments[-1])].iloc[0]
    cell = f"{100 * row['mean_bhar']:+.2f}%".replace("-", "\N{MINUS SIGN}")
    assert cell in re.sub(r"<[^>]+>", " ", html)
    hand = later.bhar[later.bhar["alignment"] == later.alignments[-1]]["bhar"].mean()
    assert row["mean_bhar"] == pytest.approx(hand, rel=1e-12)


@pytest.mark.vendor
def test_a_finding_that_does_not_survive_its_family_is_not_called_supported(
    vendor: object, root: object
) -> None:
    events = es.read_events(f"{root}/events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source=str(vendor), missing="drop")
    study = es.event_study(
        events, prices, window=[(0, 0), (0, 1), (2, 10)], tests=["kolari_pynnonen", "corrado"]
    )
    found = words.answer(study, "directional", "2,10")
    assert found is not None
    alone: pd.DataFrame = study.group_tests
    p = alone[
        (alone["group"] == "directional") & (alone["window"] == "2,10")
        & (alone["alignment"] == "next") & (alone["test"] == "kolari_pynnonen")
    ]["p_value"].iloc[0]  # fmt: skip
    assert p < 0.05
    assert found.verdict.kind == "open"
    assert "Romano-Wolf" in found.doubt
    # Both readings are supported; Corrado's p is 0.08 over the 28 events of certain hour.
    assert "changes where events of uncertain times are left out" in found.doubt


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"stated": "open", "same": "open", "next": "open"}, ""),
        ({"stated": "open", "same": "supported", "next": "supported"}, "are left out"),
        ({"stated": "open", "same": "open", "next": "supported"}, "with the reading"),
        ({"stated": "supported", "same": "noise", "next": "open"}, "with the reading"),
        ({"stated": "open"}, ""),
    ],
)
def test_leaving_events_out_is_no_reading_of_them(kinds: dict[str, str], said: str) -> None:
    found = words._hangs_on(kinds)
    assert said in found
    assert bool(found) is bool(said)
