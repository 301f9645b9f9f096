"""The programs that are compared: versions, licences, and an environment of its own for each.

An environment is made by ``python -m venv`` and pip where it is missing or of other versions. One
that cannot be made is a result, not a failure of the comparison. Peers are run, and nothing of
them is copied.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
NUMERIC = ("numpy==2.4.6", "pandas==3.1.1")
REGRESSION = (*NUMERIC, "scipy==1.17.1", "statsmodels==0.15.0")
PATIENCE = 900
"""Seconds that pip is given for one environment."""


class EnvironmentFault(Exception):
    """An environment that cannot be made, and why."""


@dataclass(frozen=True)
class Program:
    """One program that is measured.

    Attributes
    ----------
    name : str
        As on PyPI, or what stands in the table.
    script : str
        In ``peer_runs``.
    what : str
        What it computes, for a reader.
    pins : tuple of str
        Requirements of its environment; empty for the project's own.
    licence : str
    sizes : tuple of int
        Numbers of events tried; the one with the most events per second counts.
    arguments : tuple of str
        Of the script, after the work.
    note : str
        What a reader has to know beside its row.
    """

    name: str
    script: str
    what: str
    pins: tuple[str, ...] = ()
    licence: str = ""
    sizes: tuple[int, ...] = (1,)
    arguments: tuple[str, ...] = ()
    note: str = ""

    @property
    def version(self) -> str:
        """The version that is pinned, or nothing."""
        return self.pins[0].partition("==")[2] if self.pins else ""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()


STUDY_PEERS = (
    Program(
        "eventstudy", "study_eventstudy.py", "AR, CAR, residual deviation, t, p",
        ("eventstudy==0.1a12", *REGRESSION, "matplotlib==3.11.2"), "GPL-3.0",
        (30, 100, 300, 1_000, 3_000),
        note="one statsmodels regression an event; variances with ddof 0 and without the error of "
        "the forecast, degrees of freedom M - 1; no test over events is made, or timed",
    ),
    Program(
        "StatsPAI", "study_statspai.py", "AR, CAR, exact error, t, p, seven tests",
        ("StatsPAI==1.40.2", *REGRESSION, "numba==0.68.1"), "MIT", (30, 100, 300, 1_000, 3_000),
        note="its tests cannot be left out; it sorts the whole panel in each call, and correlates "
        "every pair of events, which grows with the square of N",
    ),
    Program(
        "easy-es", "study_easy_es.py", "AR, CAR, residual deviation",
        ("easy-es==0.1.2", *REGRESSION, "scikit-learn==1.9.1", "plotly==7.1.0"), "MIT",
        (30, 100, 300, 1_000, 3_000),
        note="its estimation window reaches back in calendar days, and on weekdays would hold 182 "
        "to 184 of the 250 sessions asked for; here its panel is dated on consecutive days, so "
        "that it sees them all; no error of the forecast; one process, as by default",
    ),
    Program(
        "event-study-toolkit", "study_toolkit.py", "AR, CAR, residual deviation",
        ("event-study-toolkit==1.0.0", *REGRESSION, "pandas_market_calendars==5.5.0"), "MIT",
        (30, 100, 300),
        note="events of one security are pooled, so it is given one a security; its trading "
        "calendar from 1900 on, made by the constructor, is not timed; no error of the forecast",
    ),
)  # fmt: skip
PLAIN = (
    Program(
        "numpy, one event at a time", "study_numpy.py", "AR, CAR, exact error",
        sizes=(300, 1_000, 10_000, 30_000),
    ),
    Program(
        "statsmodels OLS, one event at a time", "study_statsmodels.py", "AR, CAR, exact error",
        sizes=(100, 1_000, 3_000),
    ),
)  # fmt: skip
TRADE_PEERS = (
    Program(
        "backtrader", "trade_backtrader.py", "stock: PandasData, a plain strategy",
        ("backtrader==1.9.78.123", *NUMERIC), "GPL-3.0-or-later",
    ),
    Program(
        "bt", "trade_bt.py", "an algo that transacts shares; opens are its only prices",
        ("bt==1.4.1", *NUMERIC, "ffn==1.4.1"), "MIT",
    ),
    Program(
        "vectorbt", "trade_vectorbt.py", "from_orders; shares decided beforehand",
        ("vectorbt==1.2.0", *NUMERIC, "numba==0.68.1"), "Apache-2.0 with Commons Clause",
    ),
)  # fmt: skip


def cache_folder() -> Path:
    """Return where environments are kept by default."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "eventstudy-peers"


def interpreter_of(program: Program, folder: Path) -> Path:
    """Return the Python of a program, its environment made where it is missing.

    Raises
    ------
    EnvironmentFault
        Where venv or pip fail, with the last line that they said.
    """
    if not program.pins:
        return Path(sys.executable)
    home = folder / program.name
    python = home / "bin" / "python"
    stamp = home / "requirements.txt"
    wanted = "\n".join((*program.pins, ""))
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"making the environment of {program.title} ...", file=sys.stderr)
    _called([sys.executable, "-m", "venv", "--clear", str(home)])
    install = ["install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    _called([str(python), "-m", "pip", *install, *program.pins])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _called(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, env=own_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault(f"{type(error).__name__}: {error}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no word"]
        raise EnvironmentFault(said[-1].strip())


def own_environment(*paths: Path) -> dict[str, str]:
    """Return environment variables without the caller's Python settings, but for these paths."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return kept | ({"PYTHONPATH": os.pathsep.join(map(str, paths))} if paths else {})
