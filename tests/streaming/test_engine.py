"""Sums of all tests against the tests on the whole sample, which are proven by other programs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_events import Made, made, world_of

from eventstudy.abnormal import Panel, Places, abnormal_returns, cumulate
from eventstudy.models import find_model
from eventstudy.significance import TESTS, Sample, Significance
from eventstudy.streaming import engine, parts
from eventstudy.streaming.engine import go_over
from eventstudy.streaming.verdicts import STREAMED, Totals, evaluate
from eventstudy.workers import crew

CLOSED = frozenset(STREAMED)


def whole(world: Made, model: str, convention: str) -> Sample:
    """Return the sample of the usable events, fitted by the engine that holds them all."""
    panel = Panel(
        world.returns, np.ones(world.returns.shape[1]), world.market,
        np.zeros(world.returns.shape, dtype=bool),
    )  # fmt: skip
    n = len(world.columns)
    places = Places(world.columns, world.positions, np.ones((n, 0), dtype=bool))
    fit = abnormal_returns(panel, places, find_model(model), world.frame).fit
    good = fit.dof + fit.n_params >= world.frame.min_estimation
    rows = np.maximum(world.positions[good][:, None] + world.frame.estimation_days, 0)
    return Sample(
        fit.ar[good], fit.v[good], fit.residuals[good], rows, world.positions[good],
        fit.dof[good], fit.n_params, convention=convention, s2=fit.s2[good],
    )  # fmt: skip


def streamed(world: Made, model: str = "market", convention: str = "scar", jobs: int = 1) -> Totals:
    with crew(world_of(world, model, convention), jobs=jobs, threads=True) as hands:
        return go_over(hands, world.columns, world.positions, CLOSED)[model]


def same(ours: Significance, theirs: Significance, rtol: float = 1e-9) -> None:
    for name in ("statistic", "greater", "less", "two_sided"):
        np.testing.assert_allclose(
            getattr(ours.verdict, name), getattr(theirs.verdict, name), rtol=rtol, atol=1e-11,
            err_msg=f"{ours.name} {name}",
        )  # fmt: skip
    assert ours.verdict.distribution == theirs.verdict.distribution
    assert ours.caveats == theirs.caveats
    assert ours.n.tolist() == theirs.n.tolist()
    assert ours.n_dates.tolist() == theirs.n_dates.tolist()
    assert (ours.null, ours.assumptions) == (theirs.null, theirs.assumptions)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["market", "mean", "market-adjusted"]),
    st.sampled_from(["scar", "sum_sar"]),
    st.sampled_from([0.0, 0.001, 0.03]),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([1, 2, 7, 12, 60, 130]),
)
@settings(max_examples=30, deadline=None)
def test_every_test_is_that_of_the_whole_sample(
    seed: int, model: str, convention: str, gaps: float, zeros: float, events: int
) -> None:
    world = made(seed, events=events, gaps=gaps, zeros=zeros)
    sample = whole(world, model, convention)
    if not len(sample):
        return
    total = streamed(world, model, convention)
    masks = world.frame.masks(world.frame.all_windows)
    for name in STREAMED:
        same(evaluate(name, total), TESTS[name].evaluate(sample, masks))


def test_all_closed_forms_are_here() -> None:
    assert set(TESTS) - CLOSED == {"cluster_bootstrap", "placebo"}


@pytest.mark.parametrize("size", [1, 7, 40, 10_000])
def test_how_events_are_split_changes_no_digit_that_counts(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = made(21, events=150, gaps=0.002, securities=20)
    whole_one = streamed(world)
    monkeypatch.setattr(engine, "split", lambda c, p, reach: parts.split(c, p, reach, size))
    cut = streamed(world)
    for name in STREAMED:
        same(evaluate(name, cut), evaluate(name, whole_one), rtol=1e-11)


def test_two_threads_give_the_numbers_of_one_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "split", lambda c, p, reach: parts.split(c, p, reach, 20))
    world = made(22, events=200, gaps=0.002, securities=20)
    one, two = streamed(world), streamed(world, jobs=2)
    for name in STREAMED:
        ours, theirs = evaluate(name, one).verdict, evaluate(name, two).verdict
        np.testing.assert_array_equal(ours.statistic, theirs.statistic)


def test_arrays_of_every_event_in_the_order_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "split", lambda c, p, reach: parts.split(c, p, reach, 20))
    world = made(23, events=120, gaps=0.01)
    world = replace(world, frame=replace(world.frame, min_estimation=119))
    mixed = np.random.default_rng(0).permutation(len(world.columns))
    columns, positions = world.columns[mixed], world.positions[mixed]
    with crew(world_of(world)) as hands:
        found = engine.abnormal(hands, columns, positions)["market"]
    panel = Panel(
        world.returns, np.ones(world.returns.shape[1]), world.market,
        np.zeros(world.returns.shape, dtype=bool),
    )  # fmt: skip
    places = Places(columns, positions, np.ones((len(columns), 0), dtype=bool))
    fit = abnormal_returns(panel, places, find_model("market"), world.frame).fit
    good = fit.dof + fit.n_params >= world.frame.min_estimation
    np.testing.assert_allclose(found.ar[good], fit.ar[good], rtol=1e-9, atol=1e-13)
    se = np.sqrt(np.einsum("nll->nl", fit.v[good]))
    np.testing.assert_allclose(found.ar_se[good], se, rtol=1e-9)
    car, error = cumulate(fit.ar[good], fit.v[good], world.frame.masks(world.frame.windows))
    np.testing.assert_allclose(found.car[good], car, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(found.se[good], error, rtol=1e-9)
    assert np.isnan(found.ar[~good]).all()
    assert good.sum() not in (0, len(good))


def test_parts_cover_every_event_once_with_their_neighbours() -> None:
    rng = np.random.default_rng(4)
    positions = np.sort(rng.integers(0, 300, 500))
    columns = rng.integers(0, 9, 500)
    found = list(parts.split(columns, positions, 21, 64))
    assert sum(part.own for part in found) == len(positions)
    start = 0
    for part in found:
        own = part.positions[: part.own]
        np.testing.assert_array_equal(own, positions[start : start + part.own])
        start += part.own
        assert start == 500 or positions[start] > own[-1]
        late = positions[start:]
        near = late[late - own[-1] < 21]
        np.testing.assert_array_equal(part.positions[part.own :], near)
        held = [rows for rows, _ in parts.chunks(part, 10)]
        assert held[0].start == 0
        assert held[-1].stop == len(part.positions)
        assert all(a.stop == b.start for a, b in pairwise(held))
