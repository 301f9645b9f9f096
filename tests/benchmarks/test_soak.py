"""The soak in short: rounds of work leave nothing behind, and what is left behind is seen."""

from __future__ import annotations

import json
import platform
from typing import TextIO

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


SETTINGS = {
    "command": "python benchmarks/soak.py --prices elsewhere --events 77", "events": 77,
    "tickers": 9, "sessions": 1234, "python": "3.13.9", "processors": 64,
}  # fmt: skip
HEAD = (
    "`python benchmarks/soak.py --prices elsewhere --events 77`: 77 events on 9 tickers "
    "(616 pairs) of 1,234 sessions; Python 3.13.9, 64 processors; 60 rounds in 1 minutes."
)


def table_of(rounds: list[object]) -> str:
    """What the file of rounds held before settings stood in it."""
    names = list(vars(rounds[0]))
    lines = [",".join(str(getattr(one, name)) for name in names) for one in rounds]
    return "\n".join([",".join(names), *lines, ""])


def test_rounds_are_read_under_the_settings_of_their_run(soak, tmp_path, capsys) -> None:
    rounds = rounds_of(soak, 0.0)
    path = tmp_path / "rounds.csv"
    path.write_text(f"# {json.dumps(SETTINGS)}\n{table_of(rounds)}")
    settings, found = soak.read_rounds(path)
    assert vars(settings) == SETTINGS
    assert found == rounds
    assert soak.main(["--read", str(path)]) == 0
    assert HEAD in capsys.readouterr().out


def test_a_file_without_settings_is_read_and_said_to_have_none(soak, tmp_path, capsys) -> None:
    rounds = rounds_of(soak, 0.3)
    path = tmp_path / "old.csv"
    path.write_text(table_of(rounds))
    assert soak.read_rounds(path) == (None, rounds)
    assert soak.main(["--read", str(path)]) == 1
    said = capsys.readouterr().out
    assert "does not hold the settings of its run; 60 rounds in 1 minutes" in said
    assert "events on" not in said
    path.write_text(table_of(rounds).replace("arenas", "other"))
    with pytest.raises(SystemExit, match="lacks arenas: soak anew"):
        soak.read_rounds(path)


def test_a_run_writes_its_settings_ahead_of_its_rounds(soak, tmp_path, monkeypatch) -> None:
    done = rounds_of(soak, 0.0)

    def short(world: object, minutes: float, most: int | None, told: TextIO) -> list[object]:
        told.write(table_of(done))
        return done

    monkeypatch.setattr(soak, "soak", short)
    path = tmp_path / "rounds.csv"
    assert soak.main(["--events", "12", "--rounds", "60", "--csv", str(path)]) == 0
    settings, rounds = soak.read_rounds(path)
    assert settings.command == "python benchmarks/soak.py --events 12 --rounds 60"
    assert (settings.events, settings.tickers, settings.sessions) == (12, 5, 250)
    assert settings.python == platform.python_version()
    assert rounds == done
