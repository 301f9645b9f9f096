"""The soak in short: rounds of work leave nothing behind, and what is left behind is seen."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

import eventstudy as es

TURNS = 2


@pytest.fixture
def soak(script):
    return script("soak")


def test_rounds_leave_nothing_behind_and_what_is_left_is_seen(
    soak, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = es.load_prices(None, source="sample")
    with soak.own_folders() as folder:
        world = soak.make_world(prices, 10, 0, folder)

        def after(rounds: int) -> object:
            for number in range(rounds):
                done = soak.work(world, number)
            return soak.seen(world, 0, done, 0.0, 0.0)

        first, second = after(TURNS), after(TURNS)
        assert second.objects <= first.objects + 5
        assert second.weak <= first.weak
        assert second.live < first.live + 0.25
        assert (second.handles, second.threads, second.files) == (
            first.handles, first.threads, first.files,
        )  # fmt: skip

        kept, real = list[object](), es.event_study

        def leaking(*given: object, **named: object) -> object:
            study = real(*given, **named)  # type: ignore[arg-type]
            name = folder / f"left{len(kept)}"
            kept.append((study, np.ones(1 << 17), name.open("w")))
            return study

        monkeypatch.setattr(es, "event_study", leaking)
        third = after(TURNS)
        for _, _, file in kept:
            file.close()
    assert third.objects > second.objects + 50
    assert third.live > second.live + 1.9
    assert third.handles == second.handles + 2
    assert third.files == second.files + 2


def rounds_of(soak, slope: float) -> list[object]:
    """Rounds in turns, streamed 40 MiB below, that grow by `slope` a round under noise."""
    rng = np.random.default_rng(3)
    return [
        soak.Round(n, soak.ENGINES[n % 2], 1.0, n / 60, 0, 300 + 40 * (n % 2) + slope * n + e,
                   400.0, 90.0, 500.0, 1000, 0, 7, 4, 2)
        for n, e in enumerate(rng.normal(0, 0.5, 60))
    ]  # fmt: skip


def test_the_slope_is_statsmodels_with_newey_wests_errors(soak) -> None:
    rounds = rounds_of(soak, 0.3)
    found = soak.growth_of(rounds, "live")
    kept = rounds[15:]
    design = np.column_stack(
        [[r.number for r in kept], *([r.engine == e for r in kept] for e in soak.ENGINES)]
    ).astype(float)
    other = sm.OLS([r.live for r in kept], design).fit(
        cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True}
    )
    assert found.slope == pytest.approx(other.params[0])
    assert found.error == pytest.approx(other.bse[0])
    assert found.grows
    assert not soak.growth_of(rounds_of(soak, 0.0), "live").grows
    assert soak.growth_of(rounds, "handles").slope == 0.0
    assert len(soak.rows_of(rounds)) == 9
