"""Adjusted p-values against statsmodels, plain loops and a Monte Carlo under the null."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

import eventstudy as es
from eventstudy.significance import Sample
from eventstudy.significance.multiple import benjamini_hochberg, holm, romano_wolf
from eventstudy.significance.resampling import ClusterBootstrap
from eventstudy.study.multiple import multiplicity_frame, stepped_down

Floats = npt.NDArray[np.float64]


@pytest.fixture(autouse=True, scope="module")
def _uncollected() -> Iterator[None]:
    """Holm's adjustment in statsmodels collects rubbish, which takes longer than all else here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.collect", lambda *_: 0)
        yield


@given(seed=st.integers(0, 2**20), tests=st.integers(1, 25))
@settings(max_examples=15, deadline=None)
def test_holm_and_benjamini_hochberg_are_those_of_statsmodels(seed: int, tests: int) -> None:
    """With ties, zeros, ones and tests that gave nothing."""
    rng = np.random.default_rng(seed)
    p = rng.choice([0.0, 0.01, 0.25, 1.0, np.nan], tests)
    p = np.where(rng.random(tests) < 0.5, rng.random(tests) ** 3, p)
    there = np.isfinite(p)
    for found, method in ((holm(p), "holm"), (benjamini_hochberg(p), "fdr_bh")):
        assert np.isnan(found[~there]).all()
        if there.any():
            expected = multipletests(p[there], method=method)[1]
            np.testing.assert_allclose(found[there], expected, rtol=1e-12, atol=1e-15)


def test_holm_by_hand() -> None:
    """0.01 x 4, 0.02 x 3, then 0.03 x 2 = 0.06 and 0.04 x 1, raised to 0.06."""
    found = holm(np.array([0.04, 0.01, np.nan, 0.03, 0.02]))
    np.testing.assert_allclose(found, [0.06, 0.04, np.nan, 0.06, 0.06], rtol=1e-12)


def slow_romano_wolf(t: list[float], drawn: list[list[float]]) -> list[float]:
    order = sorted(range(len(t)), key=lambda h: -abs(t[h]))
    found = [0.0] * len(t)
    least = 0.0
    for step, h in enumerate(order):
        left = order[step:]
        count = sum(max(abs(draw[k]) for k in left) >= abs(t[h]) for draw in drawn)
        least = found[h] = max(least, (1 + count) / (1 + len(drawn)))
    return found


@given(seed=st.integers(0, 2**20), hypotheses=st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_romano_wolf_by_a_plain_loop(seed: int, hypotheses: int) -> None:
    rng = np.random.default_rng(seed)
    t = rng.normal(0, 2, hypotheses)
    drawn = rng.normal(size=(60, hypotheses)) @ (np.eye(hypotheses) + 0.5)
    found = romano_wolf(t, drawn)
    np.testing.assert_allclose(found, slow_romano_wolf(list(t), drawn.tolist()), rtol=1e-12)
    single = (1 + (np.abs(drawn) >= np.abs(t)).sum(axis=0)) / 61
    assert (found >= single - 1e-12).all()
    assert (found >= 1 / 61).all()


def test_romano_wolf_leaves_out_what_was_not_tested() -> None:
    rng = np.random.default_rng(3)
    t, drawn = np.array([2.0, np.nan, -1.0]), rng.normal(size=(99, 3))
    drawn[:, 1] = 100.0
    found = romano_wolf(t, drawn)
    assert np.isnan(found[1])
    np.testing.assert_array_equal(found[[0, 2]], romano_wolf(t[[0, 2]], drawn[:, [0, 2]]))


def group(rng: np.random.Generator, dates: npt.NDArray[np.int64], common: Floats) -> Sample:
    """One event a date, half of its variance shared with the other groups' events that day."""
    n = len(dates)
    ar = common[(dates - 500) // 30] + rng.normal(size=n)
    return Sample(
        ar[:, None], np.ones((n, 1, 1)), np.ones((n, 40)),
        dates[:, None] + np.arange(-50, -10), dates, np.full(n, 38), 2,
    )  # fmt: skip


ONE = np.ones((1, 1))


def test_one_group_alone_has_the_p_of_its_bootstrap() -> None:
    for count in (8, 30):
        rng = np.random.default_rng(count)
        dates = 500 + 30 * np.arange(count)
        s = group(rng, dates, rng.normal(0.5, 1, count))
        expected = ClusterBootstrap(299).evaluate(s, ONE).verdict.two_sided[0]
        assert stepped_down([s], ONE, draws=299)[0, 0] == expected


def test_the_family_is_wrong_no_more_often_than_it_says() -> None:
    """Ten groups without an effect: at 10% the share of samples with any rejection."""
    rng = np.random.default_rng(21)
    every = 500 + 30 * np.arange(40)
    any_rejected = plain = 0
    for seed in range(200):
        common = rng.normal(size=40)
        held = [
            group(rng, np.sort(rng.choice(every, size, replace=False)), common)
            for size in (14, 14, 16, 16, 20, 20, 25, 30, 35, 40)
        ]
        p = stepped_down(held, ONE, draws=199, seed=seed)[:, 0]
        any_rejected += (p <= 0.1).any()
        alone = [ClusterBootstrap(199).evaluate(s, ONE).verdict.two_sided[0] for s in held]
        plain += min(alone) <= 0.1
    error = (0.1 * 0.9 / 200) ** 0.5
    assert any_rejected / 200 < 0.1 + 3 * error
    assert any_rejected / 200 > 0.1 - 3 * error
    assert plain / 200 > 0.25


def test_groups_share_one_weight_a_date() -> None:
    """The same group under two names is one hypothesis: its p-value does not rise."""
    rng = np.random.default_rng(5)
    dates = 500 + 30 * np.arange(20)
    s = group(rng, dates, rng.normal(0.4, 1, 20))
    turned = replace(s, ar=-s.ar)
    alone = stepped_down([s], ONE)[0, 0]
    np.testing.assert_array_equal(stepped_down([s, s, turned], ONE)[:, 0], [alone] * 3)
    other = group(rng, dates, rng.normal(0, 1, 20))
    assert stepped_down([s, other], ONE)[0, 0] > alone


def test_order_of_groups_and_events_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    every = 500 + 30 * np.arange(30)
    common = rng.normal(size=30)
    held = [group(rng, rng.choice(every, n, replace=False), common) for n in (6, 13, 25)]
    found = stepped_down(held, ONE, seed=4)
    mixed = []
    for s in held:
        order = rng.permutation(len(s))
        mixed.append(replace(s, ar=s.ar[order], positions=s.positions[order]))
    np.testing.assert_array_equal(stepped_down(mixed[::-1], ONE, seed=4)[::-1], found)
    assert (stepped_down(held, ONE, seed=5) != found).any()


def test_fewer_than_five_dates_have_no_part_in_the_family() -> None:
    rng = np.random.default_rng(7)
    dates = 500 + 30 * np.arange(20)
    s = group(rng, dates, rng.normal(0.4, 1, 20))
    few = replace(s, ar=s.ar[:4], positions=s.positions[:4], dof=s.dof[:4])
    found = stepped_down([s, few], ONE)
    assert np.isnan(found[1, 0])
    assert found[0, 0] == stepped_down([s], ONE)[0, 0]


@pytest.fixture(scope="module")
def study(root: Path) -> es.StudyResult:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    return es.event_study(
        events, prices, window=[(0, 0), (-1, 1)],
        tests=["cross_sectional", "kolari_pynnonen", "cluster_bootstrap"],
    )  # fmt: skip


def test_families_of_a_study(study: es.StudyResult) -> None:
    found = multiplicity_frame(study)
    tests = study.group_tests
    asked = tests[tests["window"].isin(["0,0", "-1,1"])]
    assert len(found) == len(asked)
    for (alignment, name), rows in found.groupby(["alignment", "test"]):
        there = rows[rows["p_value"].notna()]
        assert (rows["family_size"] == len(there)).all()
        p = there["p_value"].to_numpy()
        np.testing.assert_allclose(there["p_holm"], multipletests(p, method="holm")[1])
        np.testing.assert_allclose(there["p_bh"], multipletests(p, method="fdr_bh")[1])
        same = asked[(asked["alignment"] == alignment) & (asked["test"] == name)]
        merged = rows.merge(same, on=["group", "window"])
        np.testing.assert_array_equal(merged["p_value_x"], merged["p_value_y"])


def test_romano_wolf_stands_beside_its_test(study: es.StudyResult) -> None:
    found = multiplicity_frame(study)
    assert found.loc[found["test"] == "cross_sectional", "p_romano_wolf"].isna().all()
    boot = found[found["test"] == "cluster_bootstrap"]
    np.testing.assert_array_equal(boot["p_romano_wolf"].isna(), boot["p_value"].isna())
    there = boot.dropna()
    assert len(there) > 10
    assert (there["p_romano_wolf"] >= there["p_value"] - 0.05).all()
    assert (there["p_romano_wolf"] > there["p_value"]).mean() > 0.9
    lead = found[found["test"] == "kolari_pynnonen"].merge(
        boot, on=["group", "alignment", "window"]
    )
    np.testing.assert_array_equal(lead["p_romano_wolf_x"], lead["p_romano_wolf_y"])
