"""The comparison with other programs: its work, its processes, its rows. No network, no pip."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def work(script):
    return script("study_work").make_work(420, 12, 40)


def test_events_are_in_turn_over_tickers_and_have_full_windows(work) -> None:
    pairs = set(zip(work.columns.tolist(), work.rows.tolist(), strict=True))
    assert len(pairs) == 40
    assert work.columns[:12].tolist() == list(range(12))
    assert work.rows.min() >= 260
    assert work.rows.max() + 10 < 420


def test_more_events_than_places_are_refused(script) -> None:
    with pytest.raises(ValueError, match="2 tickers have 10 sessions 0 each"):
        script("study_work").make_work(280, 2, 30)


def test_the_plain_loop_is_statsmodels(work, script) -> None:
    import statsmodels.api as sm

    loop = script("study_work").plain_loop
    ar, car, se = loop(work.returns, work.market, work.columns, work.rows)
    for i, (k, row) in enumerate(zip(work.columns[:5], work.rows[:5], strict=True)):
        before, during = slice(row - 260, row - 10), slice(row - 10, row + 11)
        fit = sm.OLS(work.returns[before, k], sm.add_constant(work.market[before])).fit()
        design = sm.add_constant(work.market[during])
        total = design.sum(axis=0)
        np.testing.assert_allclose(ar[i], work.returns[during, k] - fit.predict(design), atol=1e-14)
        assert car[i] == pytest.approx(ar[i].sum(), abs=1e-14)
        error = np.sqrt(21 * fit.scale + total @ fit.cov_params() @ total)
        assert se[i] == pytest.approx(error, rel=1e-12)


def test_every_own_study_gives_what_the_plain_loop_gives(work, script) -> None:
    ours, tables = script("ours"), script("peer_tables")
    for entry in ours.STUDIES.values():
        asked = ours.Asked()
        found = entry.read(entry.run(ours.given_of(work, 30), asked), asked)
        assert tables.apart(found, work) == ("0", "0")


def test_own_studies_answer_statspais_tests(work, script) -> None:
    ours = script("ours")
    asked = ours.Asked(tests=tuple(ours.SAME_TESTS))
    _, car, se = script("study_work").plain_loop(work.returns, work.market, work.columns, work.rows)
    for entry in (entry for entry in ours.STUDIES.values() if entry.tests):
        found = entry.read(entry.run(ours.given_of(work), asked), asked)
        t = car.mean() / (car.std(ddof=1) / np.sqrt(len(car)))
        assert found["test_cross_sectional"] == pytest.approx(t, rel=1e-10)
        scar = car / se
        z = scar.sum() / np.sqrt(len(car) * 248 / 246)
        assert found["test_patell"] == pytest.approx(z, rel=1e-10)
        assert {f"p_{name}" for name in ours.SAME_TESTS.values()} <= set(found)


def test_a_row_says_how_far_an_output_is_off(work, script) -> None:
    tables = script("peer_tables")
    ar, car, se = script("study_work").plain_loop(
        work.returns, work.market, work.columns, work.rows
    )
    assert tables.apart({"ar": ar, "car": car + 1e-9, "se": se}, work) == ("0", "0")
    wrong = {"ar": ar + 1e-4, "car": car, "se": 0.96 * se}
    assert tables.apart(wrong, work) == ("1e-04", "-4.0%")


def test_a_program_answers_from_its_own_process(work, script, tmp_path: Path) -> None:
    environments, process = script("peer_environments"), script("peer_process")
    work.save(tmp_path / "work.npz")
    (plain,) = [p for p in environments.PLAIN if p.name.startswith("numpy")]
    running = process.PeerProcess(plain, tmp_path, tmp_path / "work.npz", 60)
    try:
        run = running.run(20)
        assert run.count == 20
        assert 0 < run.processor < 60
        assert 0 < run.wall < 60
        found = running.output(7)
        assert found["ar"].shape == (7, 21)
        assert script("peer_tables").apart(found, work) == ("0", "0")
    finally:
        running.close()


FAILING = {
    "raises.py": (
        "from served import serve\n"
        "def run(given):\n    print('noise')\n    raise ZeroDivisionError('by nothing')\n"
        "serve(lambda work: work, lambda work, count: work, run, dict)\n",
        "20 events: ZeroDivisionError: by nothing",
    ),
    "ends.py": ("raise SystemExit('no such thing | here')\n", "ended: no such thing | here"),
    "sleeps.py": ("import time\ntime.sleep(60)\n", "start: no answer in 1 s"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_program_that_fails_is_a_row(name: str, script, tmp_path: Path, monkeypatch) -> None:
    environments, process = script("peer_environments"), script("peer_process")
    measures, tables = script("peer_measures"), script("peer_tables")
    text, why = FAILING[name]
    folder = tmp_path / "peer_runs"
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    served = Path(environments.__file__).parent / "peer_runs" / "served.py"
    (folder / "served.py").write_text(served.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(process, "BENCHMARKS", tmp_path)
    monkeypatch.setattr(measures, "PATIENCE", 1.0 if name == "sleeps.py" else 60.0)
    np.savez(tmp_path / "work.npz", nothing=np.zeros(1))
    program = environments.Program(name, name, "fails", sizes=(20,))
    (found,) = measures.measure([program], tmp_path / "work.npz", tmp_path, 1, 1.0)
    assert found.fault == why
    row = tables._study_row(found, None, None)
    assert row[:2] == (name, why.replace("|", "/"))
    assert "|" not in "".join(row)


def test_an_environment_that_cannot_be_made_is_a_row(script, tmp_path: Path) -> None:
    environments, measures = script("peer_environments"), script("peer_measures")
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    program = environments.Program("absent", "absent.py", "nothing", ("absent==1.0",))
    assert program.title == "absent 1.0"
    (found,) = measures.measure([program], tmp_path / "work.npz", blocked, 1, 1.0)
    assert found.fault.startswith("not installed: ")
    assert not found.runs


def test_the_size_with_the_most_events_a_second_is_taken(script) -> None:
    measures = script("peer_measures")
    seconds = {10: 1.0, 20: 1.0, 40: 4.0, 80: 99.0}
    asked: list[int] = []

    def run(count: int) -> object:
        asked.append(count)
        return types.SimpleNamespace(wall=seconds[count], processor=seconds[count])

    process = types.SimpleNamespace(program=types.SimpleNamespace(sizes=tuple(seconds)), run=run)
    assert measures.best_size(process, limit=5.0) == 20
    assert asked == [10, 10, 20, 40]  # 80 would take 8 s


def test_every_peer_is_pinned_and_has_a_script(script) -> None:
    environments = script("peer_environments")
    for peer in (*environments.STUDY_PEERS, *environments.TRADE_PEERS):
        assert all("==" in pin for pin in peer.pins), peer.name
        assert peer.licence
    every = (*environments.STUDY_PEERS, *environments.TRADE_PEERS, *environments.PLAIN)
    folder = environments.BENCHMARKS / "peer_runs"
    assert all((folder / program.script).is_file() for program in every)


def test_own_engines_end_with_the_value_of_arithmetic(script) -> None:
    ours, speed, trades = script("ours"), script("backtest_speed"), script("trade_work")
    world = speed.make_world(120, 5)
    made = trades.trades_of(world)
    for name, (_, prepared) in ours.BACKTESTS.items():
        value = prepared(world)()
        assert value == pytest.approx(trades.plain_value(made), rel=1e-12), name


def test_orders_of_the_other_backtesters_are_those_trades(script, root: Path, monkeypatch) -> None:
    trades, speed = script("trade_work"), script("backtest_speed")
    monkeypatch.syspath_prepend(str(root / "benchmarks" / "peer_runs"))
    import orders

    made = trades.trades_of(speed.make_world(120, 5))
    sizes = orders.order_table(vars(made))
    np.testing.assert_allclose(sizes.sum(axis=0), 0.0, atol=1e-9)
    costs = orders.COMMISSION * np.abs(sizes) * made.opens
    value = orders.CAPITAL - (sizes * made.opens + costs).sum()
    assert value == pytest.approx(trades.plain_value(made), rel=1e-12)


def measured(script, title: str, seconds: float, **fields):
    environments, measures = script("peer_environments"), script("peer_measures")
    found = measures.Measured(environments.Program(title, "", "what"), **fields)
    if not found.fault:
        found.runs = [measures.Run(300, s, s / 2) for s in (3 * seconds, seconds, seconds)]
    return found


def test_rows_of_tests_tell_times_as_fast_and_agreement(script) -> None:
    tables, names = script("peer_tables"), script("ours").SAME_TESTS.values()
    values = {f"test_{n}": 1.0 for n in names} | {f"p_{n}": 0.5 for n in names}
    theirs = measured(script, "StatsPAI", 4.0, found=values)
    ours = measured(script, "ours", 0.1, found=values | {"test_kp": 1.25, "test_sign_rank": 9.0})
    assert tables._tests_row(300, [theirs, ours]) == ("300", "4", "0.1", "40", "40")
    late = measured(script, "StatsPAI", 4.0, fault="not run")
    assert tables._tests_row(300, [late, ours]) == ("300", "not run", "0.1", "", "")
    assert tables.at_best([[late, late], [theirs, ours]]) == (
        "Each at its best N: StatsPAI, 75 events/s (N = 300); ours, 3,000 events/s (N = 300), "
        "40 times as fast."
    )
    said = tables.agreement([theirs, ours])
    assert "`kp` 2.5e-01, `grank` 0, `sign_rank` (p) 0." in said
    assert said.startswith("ours against it, 300 events: `cross_sectional` 0, `patell` 0,")


def test_backtests_are_held_against_arithmetic_and_stock_backtrader(script) -> None:
    tables = script("peer_tables")
    base = measured(script, "backtrader", 1.0, found={"final": np.array(1e6)})
    other = measured(script, "other", 0.05, found={"final": np.array(1e6 + 100.0)})
    assert tables._trade_cells(base, base, 1e6) == ("1,000", "1", "0")
    assert tables._trade_cells(other, base, 1e6) == ("50", "20", "1e-04")
