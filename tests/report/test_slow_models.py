"""The page of a model that iterates: refitted at some sessions only, and saying so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import eventstudy as es
from eventstudy.models import MODELS
from eventstudy.models.contract import iterates
from eventstudy.report.case import CaseRow, case_rows
from eventstudy.study import placebo

SLOW = sorted(name for name, model in MODELS.items() if iterates(model))
ONE_EVENT = (("only", "X1", "t", ""),)


@pytest.mark.parametrize("model", SLOW)
def test_a_model_refitted_at_some_sessions_only_has_its_page(
    model: str,
    small_study: Callable[..., es.StudyResult],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Of sessions 65 to 399 at most 6 are refitted, one in 56.

    The first of these has 59 returns before it and the event is on none: 5 draws.
    """
    monkeypatch.setattr(placebo, "MOST_REFITS", 6)
    asked = {"estimation": 60, "gap": 5, "min_estimation": 60, "tests": ["placebo"]}
    study = small_study(ONE_EVENT, model=model, window=(0, 0), **asked)
    es.write_report(study, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search("refitted [a-z ]+ in 56", page)
    days = [str(day) for day in study.days]
    assert len(days) == 400
    assert days.index("2024-05-01") not in range(65, 400, 56)
    row = case_rows(study, "only")[0]
    assert row.said["placebo_time"].startswith("ranks among 5, p no smaller than 0.333, ")
    assert row.floors["placebo_time"] == pytest.approx(2 / 6, rel=1e-12)
    assert row.floors["sq"] == pytest.approx(2 / 61, rel=1e-12)
    assert row.draws == 0


def test_without_the_placebos_the_page_says_that_nobody_asked(
    small_study: Callable[..., es.StudyResult], tmp_path: Path
) -> None:
    study = small_study(ONE_EVENT, model="synthetic-control", window=(0, 0), tests=["corrado"])
    es.write_report(study, tmp_path / "report.html")
    row = case_rows(study, "only")[0]
    assert row.said["placebo_time"] == row.said["placebo_space"]
    assert row.said["placebo_time"].startswith("undefined: not asked for")
    assert row.verdict.text.startswith(("supported", "inside its noise"))
    assert "sq" in row.verdict.text


@pytest.mark.parametrize(("floor", "kind"), [(0.05, "open"), (0.0501, "supported")])
def test_a_test_that_cannot_reach_five_percent_has_no_say(floor: float, kind: str) -> None:
    """`sq` finds an effect, `placebo_time` does not: the two disagree where it could have."""
    row = CaseRow(
        "e", "stated", "X1", "0,0", "2024-05-01", 0.1, 0.01, 0.08, 0.12,
        {"sq": 0.01, "placebo_time": 0.5}, {"sq": 0.01, "placebo_time": floor}, {}, 0,
    )  # fmt: skip
    assert row.verdict.kind == kind
