"""The rules of verdicts and of inference, against arithmetic by hand and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from eventstudy.claims.contract import CANNOT_BE_SAID, CONTRADICTED, SUPPORTED
from eventstudy.claims.forecasts import after_marked, cars, fit_before, run_lengths, spread_out
from eventstudy.claims.kinds.news import mean_effect
from eventstudy.claims.stated import parse_stated
from eventstudy.claims.verdicts import agrees, facts, sided, together
from eventstudy.windows import make_frame

S, C, N = SUPPORTED, CONTRADICTED, CANNOT_BE_SAID


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [(0.2443, 0.2443, S), (0.235, 0.235, S), (0.2461, 0.2461, C), (0.22, 0.236, S),
     (0.22, 0.234, C), (float("nan"), 0.24, N)],
)  # fmt: skip
def test_a_number_agrees_to_its_last_digit(lo: float, hi: float, expected: str) -> None:
    assert agrees(parse_stated("24%"), lo, hi) == expected


@pytest.mark.parametrize(
    ("side", "lo", "hi", "p", "expected"),
    [
        (1, 0.01, 0.03, [0.01, 0.05], S),
        (-1, 0.01, 0.03, [0.01, 0.05], C),
        (-1, -0.03, -0.01, [0.04], S),
        (1, 0.01, 0.03, [0.01, 0.051], N),
        (1, -0.01, 0.03, [0.01], N),
        (1, 0.01, 0.03, [0.01, float("nan")], N),
        (1, float("nan"), 0.03, [0.01], N),
        (1, 0.01, 0.03, [], N),
    ],
)
def test_a_side_needs_interval_and_every_p(
    side: int, lo: float, hi: float, p: list[float], expected: str
) -> None:
    assert sided(side, lo, hi, p) == expected


def test_parts_together() -> None:
    assert together([S, S]) == S
    assert together([C, N]) == C
    assert together([C, S]) == N
    assert together([S, N]) == N
    assert together([]) == N
    assert facts([C, S]) == C
    assert facts([S, N]) == N


def test_runs_by_hand() -> None:
    falls = np.array([1, 1, 0, 1, 1, 1, 0, 0, 1], dtype=bool)
    assert run_lengths(falls).tolist() == [1, 2, 0, 1, 2, 3, 0, 0, 1]
    assert spread_out(np.array([0, 3, 5, 6, 20]), 5) == 3


def test_forecast_errors_are_those_of_dummies() -> None:
    """Karafiath (1988): a dummy a day gives the abnormal returns and their covariance."""
    import statsmodels.api as sm

    rng = np.random.default_rng(8)
    x = rng.normal(0.0005, 0.01, (200, 2))
    y = 0.001 + x @ [1.2, 0.4] + rng.normal(0.0, 0.02, 200)
    frame = make_frame((0, 0), estimation=120, gap=10, min_estimation=100)
    rows, length = np.array([150, 20]), 21
    found = cars(fit_before(y, x, rows, frame), y, x, rows, 1, length)
    used = np.r_[20:140, 151 : 151 + length]
    dummies = np.vstack([np.zeros((120, length)), np.eye(length)])
    fit = sm.OLS(y[used], np.column_stack([np.ones(len(used)), x[used], dummies])).fit()
    ones = np.r_[np.zeros(3), np.ones(length)]
    assert found.car[0] == pytest.approx(fit.params @ ones, rel=1e-9)
    assert found.se[0] == pytest.approx(np.sqrt(ones @ fit.cov_params() @ ones), rel=1e-9)
    assert np.isnan(found.car[1])  # ten sessions before it are too few


def test_shifts_are_all_of_them() -> None:
    """Against np.roll, one shift after the other."""
    rng = np.random.default_rng(3)
    value = rng.normal(size=80)
    value[[0, 1, 75]] = np.nan
    marks = np.zeros(80, dtype=bool)
    marks[[10, 11, 40, 60, 75]] = True
    found = after_marked(value, marks, 5)
    held = np.isfinite(value)
    v, m = value[held] - value[held].mean(), marks[held]
    drawn = np.array([v[np.roll(m, k)].mean() for k in range(1, len(v))])
    seen = v[m].mean()
    assert found.difference == pytest.approx(seen, rel=1e-12)
    expected = (1 + (np.abs(drawn) >= abs(seen)).sum()) / (len(drawn) + 1)
    assert found.p_shift == pytest.approx(expected, rel=1e-12)
    wide = np.quantile(np.abs(drawn), 0.95)
    assert (found.lo, found.hi) == pytest.approx((seen - wide, seen + wide), rel=1e-9)
    assert (found.n, found.apart) == (4, 3)


def test_shifts_hold_their_size_where_plain_t_does_not() -> None:
    """Overlapping windows after clustered marks: t over all of them rejects far too often."""
    rng = np.random.default_rng(11)
    draws, length, sessions = 400, 20, 500
    shifts = plain = 0
    for _ in range(draws):
        steps = rng.normal(size=sessions + length)
        summed = np.convolve(steps, np.ones(length), mode="valid")[:sessions]
        marks = np.zeros(sessions, dtype=bool)
        for start in rng.choice(sessions - 10, 6, replace=False):
            marks[start : start + 10 : 3] = True
        found = after_marked(summed, marks, length)
        shifts += found.p_shift <= 0.05
        plain += found.p_across <= 0.05
    # Three binomial standard errors around 5% of 400 are 2 to 8%.
    assert 0.017 <= shifts / draws <= 0.083
    assert plain / draws > 0.25


def test_the_mean_of_sessions_by_hand() -> None:
    """Six rises: t by hand, signed ranks 2 / 2^6; five can never reach 5%."""
    values = np.array([0.01, 0.02, 0.015, 0.03, 0.012, 0.021])
    found = mean_effect("x", values, 1)
    se = values.std(ddof=1) / np.sqrt(6)
    assert found.value == pytest.approx(0.018)
    assert found.lo == pytest.approx(0.018 - 2.570582 * se, rel=1e-6)
    assert found.p_value == pytest.approx(2 / 64)
    assert found.verdict == SUPPORTED
    assert mean_effect("x", values, -1).verdict == CONTRADICTED
    five = mean_effect("x", values[:5], 1)
    assert five.p_value == pytest.approx(2 / 32)
    assert five.verdict == CANNOT_BE_SAID
    assert mean_effect("x", values[:1], 1).verdict == CANNOT_BE_SAID
    assert mean_effect("x", values[:0], 1).verdict == CANNOT_BE_SAID


def test_leaving_events_out_is_told_apart_from_reading_them() -> None:
    from eventstudy.claims.kinds.groups import _changes

    one = {"stated": CANNOT_BE_SAID, "same": SUPPORTED, "next": SUPPORTED}
    assert _changes(one) == "it changes where events of uncertain times are left out"
    assert "reading" in _changes(one | {"same": CANNOT_BE_SAID})
