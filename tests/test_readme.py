"""What the README and CONTRIBUTING say runs, word for word where a network is not needed."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
import eventstudy.report
from eventstudy.cli import main
from eventstudy.run.config import RunConfig

BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)


def blocks(root: Path, name: str, language: str) -> list[str]:
    found = BLOCK.findall((root / name).read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


@pytest.fixture
def workplace(root: Path, vendor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped calendar, a strategy of one's own and CSV prices."""
    shutil.copy(root / "events.csv", tmp_path)
    (tmp_path / "my-strategies").mkdir()
    strategy = next(b for b in blocks(root, "README.md", "python") if "EventStrategy" in b)
    (tmp_path / "my-strategies" / "mine.py").write_text(strategy)
    (tmp_path / "my-folder-of-csv").mkdir()
    data = root / "eventstudy" / "prices" / "data"
    for name in ("prices_2024_2025.csv", "dividends_2024_2025.csv"):
        shutil.copy(data / name, tmp_path / "my-folder-of-csv")
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2024-06-03", "2025-06-30")
    names = ("mkt_rf", "smb", "hml", "rmw", "cma", "rf")
    factors = pd.DataFrame(rng.normal(0, 0.5, (len(days), 6)), columns=list(names)).round(2)
    factors.assign(date=days, rf=0.02).to_csv(tmp_path / "factors.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nine placebo draws by default, and a page only where one has not been drawn before."""
    field = RunConfig.model_fields["placebo_draws"]
    drawn: list[object] = []
    whole = eventstudy.report.render_html

    def page(*results: object, **asked: object) -> str:
        kind = sorted(name for name, value in asked.items() if value is not None)
        if kind in drawn:
            return "<html></html>"
        found = whole(*results, **asked)  # type: ignore[arg-type]
        drawn.append(kind)
        return found

    monkeypatch.setattr("eventstudy.report.render_html", page)
    with monkeypatch.context() as patch:
        patch.setattr(field, "default", 9)
        RunConfig.model_rebuild(force=True)
        yield
    RunConfig.model_rebuild(force=True)


def shortened(calendar: Path) -> None:
    """Leave few events that the sample reaches: commands are tested here, not calendars."""
    header, *rows = calendar.read_text(encoding="utf-8").splitlines()
    times = ("2024-07-15", "2024-09-15"), ("2024-12-01", "2025-01-31")
    kept = [row for row in rows if any(a <= row.split(",")[1] <= b for a, b in times)]
    assert len(kept) >= 12
    calendar.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")


@pytest.mark.usefixtures("quick")
def test_every_command_of_the_readme_runs(root: Path, workplace: Path) -> None:
    shortened(workplace / "events.csv")
    lines = [line for b in blocks(root, "README.md", "console") for line in b.splitlines()]
    commands = [line for line in lines if line.startswith("eventstudy ")]
    assert len(commands) >= 6
    for line in commands:
        arguments = shlex.split(line)[1:]
        if "yahoo" in arguments:
            arguments[arguments.index("yahoo")] = "sample"
            # The next line runs all tests and strategies, on the same prices as files.
            arguments += ["--test", "bmp", "--test", "corrado", "--strategy", "asic-gpu-rotation"]
        elif arguments[0] == "study":  # `run` before it has all tests and series
            arguments += ["--observed", "AVGO"]
            arguments += [] if "--test" in arguments else ["--test", "bmp"]
        if arguments[0] == "calibrate":
            arguments += ["--samples", "10", "--jobs", "1", "--effects", "0"]
        assert main(arguments) == 0, line
    assert (workplace / "out" / "report.html").is_file()


def test_the_strategy_of_contributing_runs(root: Path, workplace: Path) -> None:
    code = next(b for b in blocks(root, "CONTRIBUTING.md", "python") if "FreshRise" in b)
    (workplace / "my-strategies" / "fresh.py").write_text(
        "from eventstudy.backtest import EventStrategy\n\n\n" + code
    )
    arguments = ["backtest", "events.csv", "--prices", "sample", "--strategies", "my-strategies"]
    assert main([*arguments, "--strategy", "fresh-rise:hold=3", "--out", "out"]) == 0
    trades = (workplace / "out" / "trades.csv").read_text()
    assert "fresh-rise" in trades


def test_the_model_of_contributing_is_what_it_says(root: Path) -> None:
    """AR = R - R_m - the mean of R - R_m over the estimation window."""
    code = next(b for b in blocks(root, "CONTRIBUTING.md", "python") if "BetaOne" in b)
    made: dict[str, type] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), made)  # noqa: S102
    events = es.read_events(root / "events.csv").select(["avgo-earnings-2024-12-12"])
    prices = es.load_prices(["AVGO", "SPY"], source="sample")
    study = es.event_study(events, prices, model=made["BetaOne"](), window=(0, 0), observed=())
    excess = prices.returns[:, 0] - prices.returns[:, 1]
    at = int(np.flatnonzero(prices.dates == np.datetime64("2024-12-13"))[0])
    car = study.cars.set_index("ticker").loc["AVGO", "car"]
    assert car == pytest.approx(excess[at] - np.nanmean(excess[max(at - 260, 0) : at - 10]))


def test_the_make_targets_of_the_readme_exist(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    lines = [line for b in blocks(root, "README.md", "console") for line in b.splitlines()]
    targets = [line.split()[1] for line in lines if line.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M)


def test_the_six_lines_run_on_the_sample(root: Path, workplace: Path) -> None:
    code = next(b for b in blocks(root, "README.md", "python") if "read_events" in b)
    assert len([line for line in code.splitlines() if line.strip()]) == 6
    exec(compile(code.replace('"yahoo"', '"sample"'), "README.md", "exec"), {})  # noqa: S102
    assert (workplace / "report.html").is_file()


@pytest.mark.usefixtures("quick")
def test_the_study_file_of_the_readme_runs(root: Path, workplace: Path) -> None:
    text = blocks(root, "README.md", "toml")[0]
    shortened(workplace / "events.csv")
    (workplace / "study.toml").write_text(text)
    line = text.splitlines()[0].removeprefix("# study.toml: ")
    # `run` in the test of the commands has them all.
    assert main([*shlex.split(line)[1:], "--test", "bmp", "--test", "corrado"]) == 0


def test_the_readmes_schema_is_the_shipped_one(root: Path) -> None:
    header = (root / "events.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    readme = (root / "README.md").read_text(encoding="utf-8")
    for column in header:
        assert f"`{column}`" in readme, column
