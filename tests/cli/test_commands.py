"""The command line: files, exit codes, and one readable paragraph for every mistake."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from eventstudy.cli import main

QUICK = ("--window", "0,0", "--test", "bmp", "--test", "corrado")
SHORT = (*QUICK, "--observed", "AVGO")
COLUMNS = {
    "abnormal": "event_id, ticker, alignment, model, day, date, ar, ar_se, car",
    "cars": "event_id, ticker, alignment, model, window, car, se, t, p_value, n_estimation, "
    "alpha, beta, sigma",
    "tests": "group, alignment, model, convention, window, test, statistic, p_value, p_greater, "
    "p_less, n, n_dates, distribution",
    "trades": "strategy, event_id, ticker, side, entry_date, entry_price, exit_date, exit_price, "
    "size, pnl, costs, exit_reason",
    "orders": "strategy, event_id, ticker",
    "equity": "strategy, date, value, return, gross, net",
    "monthly": "strategy, year, month, return, sessions, partial",
    "attribution": "strategy, event_id, kind, session_0, legs",
    "attribution_by": "strategy, by, key, legs, events, pnl, costs, dividends, share_of_pnl, "
    "hit_rate",
    "dropped": "event_id, ticker, reason, detail",
    "overlaps": "event_id, other_id, ticker, kind, sessions",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the demo and what it printed."""
    out = tmp_path_factory.mktemp("demo")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["demo", "--out", str(out)]) == 0
    return out, said.getvalue()


@pytest.fixture
def demo(shown: tuple[Path, str]) -> Path:
    return shown[0]


@pytest.mark.parametrize("name", COLUMNS)
def test_every_file_of_the_contract_is_written(demo: Path, name: str) -> None:
    expected = COLUMNS[name].split(", ")
    frame = pd.read_csv(demo / f"{name}.csv")
    assert list(frame.columns)[: len(expected)] == expected
    assert len(frame)


def test_the_manifest_says_what_was_run(demo: Path) -> None:
    manifest = json.loads((demo / "manifest.json").read_text())
    assert manifest["study"]["hull"] == "-5,10"
    assert manifest["prices"]["source"] == "sample"
    assert len(manifest["prices"]["tickers"]["AVGO"]) == 64
    assert manifest["versions"]["backtrader"] == "1.9.78.123"
    assert manifest["seed"] == 0
    assert manifest["wall_time"] > 0
    assert (demo / "report.html").stat().st_size > 100_000


def test_no_half_written_file_is_left(demo: Path) -> None:
    assert not [p for p in demo.iterdir() if p.name.startswith(".")]


def test_the_demo_says_how_small_it_is(shown: tuple[Path, str]) -> None:
    out, said = shown
    assert "The sample is small: 250 sessions of five tickers" in said
    assert f"Report: {out / 'report.html'}" in said


@pytest.mark.usefixtures("no_page")
def test_a_run_is_the_same_twice(root: Path, tmp_path: Path) -> None:
    """In one process; tests/run/test_identical.py has two, and every file of theirs."""
    outs = [tmp_path / "one", tmp_path / "two"]
    few = ["--test", "placebo", "--test", "cluster_bootstrap", "--strategy", "asic-gpu-rotation",
           "--observed", "AVGO"]  # fmt: skip
    for out in outs:
        assert main(["run", str(root / "events.csv"), "--prices", "sample", "--window", "0,1",
                     *few, "--out", str(out)]) == 0  # fmt: skip
    for name in COLUMNS:
        assert (outs[0] / f"{name}.csv").read_bytes() == (outs[1] / f"{name}.csv").read_bytes()


@pytest.mark.usefixtures("no_page")
def test_parquet_holds_the_same_tables(root: Path, tmp_path: Path) -> None:
    arguments = ["study", str(root / "events.csv"), "--prices", "sample", *SHORT]
    assert main([*arguments, "--out", str(tmp_path / "c")]) == 0
    assert main([*arguments, "--out", str(tmp_path / "p"), "--format", "parquet"]) == 0
    one = pd.read_csv(tmp_path / "c" / "cars.csv")
    one["caveat"] = one["caveat"].fillna("")  # empty text and nothing look alike in a CSV
    other = pd.read_parquet(tmp_path / "p" / "cars.parquet")
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_json_is_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["study", str(root / "events.csv"), "--prices", "sample", *QUICK, "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["group"] for row in found["study"]} >= {"all", "@ASIC-@GPU:ex"}


@pytest.mark.usefixtures("no_page")
def test_flags_win_over_the_file(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "study.toml"
    config.write_text(
        f'events = "{root / "events.csv"}"\nprices = "sample"\nwindow = "0,2"\n'
        'model = "mean"\ntest = "sign"\n[baskets]\nASIC = ["AVGO"]\n'
    )
    assert main(["study", "--config", str(config), "--window", "0,1", "--out", str(tmp_path)]) == 0
    cars = pd.read_csv(tmp_path / "cars.csv")
    assert set(cars["window"]) == {"0,1"}
    assert set(cars["model"]) == {"mean"}
    release = cars[(cars["event_id"] == "avgo-earnings-2024-12-12") & (cars["alignment"] == "same")]
    by = release.set_index("ticker")["car"]
    assert by["@ASIC"] == pytest.approx(by["AVGO"], abs=1e-14)


def test_events_check_prints_alignment_and_coincidences(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "check", str(root / "events.csv")]) == 0
    said = capsys.readouterr().out
    assert "103 events, 7 of them ambiguous" in said
    talk = next(line for line in said.splitlines() if "sutskever-neurips-2024" in line)
    assert "2024-12-13" in talk
    assert "2024-12-16" in talk
    assert "NVDA" in said


def test_prices_check_lists_what_a_source_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "check", "--prices", "sample"]) == 0
    said = capsys.readouterr().out
    assert "5 tickers from sample" in said
    assert "2024-03-01" in said


@pytest.mark.parametrize(
    "family", ["models", "tests", "baskets", "strategies", "sizings", "sources", "all"]
)
def test_list(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", family]) == 0
    said = capsys.readouterr().out
    expected = {
        "models": "market-adjusted", "tests": "kolari_pynnonen", "baskets": "@ASIC",
        "strategies": "post-event-drift", "sizings": "beta-neutral", "sources": "yahoo",
        "all": "asic-gpu-rotation",
    }  # fmt: skip
    assert expected[family] in said


MISTAKES = [
    (["study", "EVENTS"], "where do prices come from?"),
    (["study", "--prices", "sample"], "which events?"),
    (["study", "nowhere.csv", "--prices", "sample"], "nowhere.csv"),
    (["study", "EVENTS", "--prices", "no-such-folder"], "no-such-folder"),
    (["study", "EVENTS", "--prices", "sample", "--calendar", "XNYX"], "did you mean 'XNYS'"),
    (["study", "EVENTS", "--prices", "sample", "--model", "markt"], "did you mean 'market'"),
    (["study", "EVENTS", "--prices", "sample", "--benchmark", "SPYY"], "'SPYY' has no prices"),
    (["study", "EVENTS", "--prices", "sample", "--window", "-40,1"], "overlaps the estimation"),
    (["study", "EVENTS", "--prices", "sample", "--observed", "@ASIK"], "did you mean '@ASIC'"),
    (["study", "EVENTS", "--prices", "sample", "--strict"], "strict: something was left out"),
    (["study", "EVENTS", "--prices", "sample", "--out", "FILE"], "cannot be written"),
    (
        ["run", "EVENTS", "--prices", "sample", "--format", "xls", "--out", "OUT"],
        "known: csv, parq",
    ),
    (["backtest", "EVENTS", "--prices", "sample", "--strategy", "asic"], "asic-gpu-rotation"),
    (
        ["backtest", "EVENTS", "--prices", "sample", "--borrow-bp", "-3"],
        "--borrow-bp: '-3.0'",
    ),
    (["backtest", "EVENTS", "--prices", "sample", "--assume-known", "earnings=x"], "earnings=14d"),
    (["prices", "check"], "which prices?"),
    (["prices", "fetch"], "which tickers?"),
    (["list", "modles"], "did you mean 'models'"),
    (["study", "EVENTS", "--config", "missing.toml"], "missing.toml: there is no such file"),
    (["study", "EVENTS", "--config", "TOML"], "unknown key (did you mean 'window'?)"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_exits_with_2_and_one_paragraph(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "study.toml").write_text('windw = "0,1"\n')
    places = {
        "EVENTS": root / "events.csv", "FILE": tmp_path / "file", "OUT": tmp_path / "out",
        "TOML": tmp_path / "study.toml",
    }  # fmt: skip
    assert main([str(places.get(a, a)) for a in arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_all_faults_of_the_calendar_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "event_id,date,time,timezone,session,tickers,expects\n"
        "a,2024-02-30,,,,AVGO,\n"
        "b,2024-12-12,25:00,,,AVGO,\n"
        "c,2024-12-12,,Mars/Olympus,,AVGO,\n"
        "d,2024-12-12,,,lunch,AVGO,\n"
        "e,2024-12-12,,,,@ASIK,\n"
        "a,2024-12-12,16:15,,pre,AVGO,\n"
    )
    assert main(["events", "check", str(path)]) == 2
    said = capsys.readouterr().err
    for part in ("2024-02-30", "25:00", "Mars/Olympus", "lunch", "@ASIK", "row 7"):
        assert part in said, part


def test_our_own_fault_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from eventstudy.run import execute

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by design")

    monkeypatch.setattr(execute, "read_inputs", broken)
    assert main(["study", "events.csv", "--prices", "sample"]) == 1
    assert "internal error: ZeroDivisionError" in capsys.readouterr().err


def test_version_prints_the_place() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "eventstudy", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.startswith("eventstudy-backtester ")
    assert said.strip().endswith("eventstudy")


def _processor_time(*command: str) -> float:
    """Return the seconds of processor time that a command of Python's took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_quick() -> None:
    """Half a second on a quiet machine: no more than four times what typer and rich ask alone.

    A ratio of processor times, since a machine at work makes any number of seconds false.
    """
    parts = ("-c", "import typer, rich.console, rich.table")
    ours = ("-m", "eventstudy", "--help")
    assert any(_processor_time(*ours) < 4 * _processor_time(*parts) for _ in range(3))


@pytest.mark.parametrize("module", ["pandas", "scipy.stats", "backtrader", "yfinance", "plotly"])
def test_heavy_libraries_wait_until_they_are_needed(module: str) -> None:
    code = f"import eventstudy, eventstudy.cli.app, sys; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_verb_and_the_room_called_backtest_are_one() -> None:
    code = (
        "import eventstudy as es; f = es.backtest; from eventstudy.backtest import EventStrategy;"
        "import eventstudy.backtest as b; assert b is es.backtest is f;"
        "assert callable(f) and b.EventStrategy is EventStrategy"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.vendor
def test_the_main_job_on_real_prices(root: Path, vendor: Path, tmp_path: Path) -> None:
    """The README's first command, with three of the twenty tests, a strategy and a spread."""
    windows = ["--window", "0,0", "--window", "0,1", "--window", "2,10"]
    arguments = ["run", str(root / "events.csv"), "--prices", str(vendor), "--benchmark", "SPY"]
    few = ["--test", "kolari_pynnonen", "--test", "corrado", "--test", "placebo",
           "--strategy", "asic-gpu-rotation", "--observed", "@ASIC-@GPU:ex"]  # fmt: skip
    assert main([*arguments, *windows, *few, "--out", str(tmp_path)]) == 0
    for name in COLUMNS:
        assert (tmp_path / f"{name}.csv").is_file()
    abnormal = pd.read_csv(tmp_path / "abnormal.csv")
    day = abnormal[
        (abnormal["event_id"] == "avgo-earnings-2024-12-12") & (abnormal["day"] == 0)
        & (abnormal["alignment"] == "stated")
    ].set_index("ticker")  # fmt: skip
    assert day.loc["AVGO", "date"] == "2024-12-13"
    assert day.loc["AVGO", "ar"] == pytest.approx(0.245, abs=0.001)
    assert abs(day.loc["NVDA", "ar"] / day.loc["NVDA", "ar_se"]) < 1.96


@pytest.mark.usefixtures("no_page")
def test_prices_without_opens_keep_the_study_and_refuse_the_backtest(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = pd.read_csv(root / "eventstudy" / "prices" / "data" / "prices_2024_2025.csv")
    closes = wide[["date", *[c for c in wide if c.endswith("_close")]]]
    closes.columns = ["date", *[c.removesuffix("_close").upper() for c in closes.columns[1:]]]
    (tmp_path / "closes").mkdir()
    closes.to_csv(tmp_path / "closes" / "wide.csv", index=False)
    arguments = ["run", str(root / "events.csv"), "--prices", str(tmp_path / "closes")]
    assert main([*arguments, *SHORT, "--out", str(tmp_path / "out")]) == 2
    assert "no backtest: a backtest fills at opening prices" in capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "out" / "cars.csv"))
    assert (tmp_path / "out" / "report.html").is_file()
    assert "refused" in json.loads((tmp_path / "out" / "manifest.json").read_text())["backtest"]


def test_a_misspelt_strategy_fails_before_any_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "nowhere.csv", "--prices", "sample", "--strategy", "asic-gpu"]) == 2
    said = capsys.readouterr().err
    assert "asic-gpu-rotation" in said
    assert "nowhere" not in said


def test_prices_check_lists_errors_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "AAA.csv").write_text("date,close\n2024-03-01,10\n2024-03-04,-1\n2024-03-05,10\n")
    assert main(["prices", "check", "--prices", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "AAA.csv, row 3, column close: '-1': close must be above zero (2024-03-04)" in said


def test_no_network_names_each_ticker_and_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Addresses that cannot be resolved: no machine has them, with a network or without."""
    import yfinance.const
    from yfinance.scrapers import history

    monkeypatch.setenv("EVENTSTUDY_CACHE", str(tmp_path))
    for place in (yfinance.const, history):
        for name in ("_BASE_URL_", "_QUERY1_URL_", "_ROOT_URL_"):
            if hasattr(place, name):
                monkeypatch.setattr(place, name, "http://service.invalid")
    assert main(["prices", "fetch", "NVDA", "AVGO", "--start", "2024-01-01"]) == 2
    said = capsys.readouterr().err
    assert "yahoo gave no prices for 2 of 2 tickers" in said
    assert "NVDA: " in said


@pytest.mark.usefixtures("no_page")
def test_no_benchmark_can_be_asked_for(root: Path, tmp_path: Path) -> None:
    arguments = ["study", str(root / "events.csv"), "--prices", "sample", *SHORT, "--model", "mean"]
    assert main([*arguments, "--benchmark", "none", "--out", str(tmp_path)]) == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["study"]["benchmark"] is None


def test_a_backtest_alone_has_hashes_in_its_manifest(root: Path, tmp_path: Path) -> None:
    assert main(["backtest", str(root / "events.csv"), "--prices", "sample", "--strategy",
                 "asic-gpu-rotation", "--out", str(tmp_path)]) == 0  # fmt: skip
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert len(manifest["prices"]["tickers"]["SPY"]) == 64
    assert len(manifest["events"]["sha256"]) == 64


@pytest.mark.usefixtures("no_page")
def test_two_runs_do_not_mix_in_one_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    arguments = [str(root / "events.csv"), "--prices", "sample", "--out", str(tmp_path)]
    assert main(["backtest", *arguments, "--strategy", "buy-and-hold"]) == 0
    assert (tmp_path / "trades.csv").is_file()
    assert main(["study", *arguments, *SHORT]) == 0
    assert not (tmp_path / "trades.csv").exists()
    assert (tmp_path / "mine.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("option", "message"),
    [(["--format", "xls"], "known: csv, parquet"), (["--case", "avgo"], "unknown case")],
)
def test_options_are_checked_before_anything_is_written(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: list[str],
    message: str,
) -> None:
    arguments = [str(root / "events.csv"), "--prices", "sample", "--out", str(tmp_path / "out")]
    assert main(["run", *arguments, *option]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_costs_that_are_no_table_are_a_mistake_of_the_user(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text("costs = 5\n")
    arguments = ["backtest", str(root / "events.csv"), "--prices", "sample"]
    assert main([*arguments, "--config", str(tmp_path / "study.toml")]) == 2
    assert "study.toml, row 1, key costs: '5'" in capsys.readouterr().err
