"""Claims on the command line and in the files of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import eventstudy as es
from eventstudy.claims import KINDS
from eventstudy.cli import main

FEW = ("event_id", "avgo-earnings-2024-12-12", "sutskever-neurips-2024", "nvda-earnings-2024-11-20")
MINE = """
title = "Mine"
[[claims]]
id = "a"
text = "Broadcom rose 24% on 13 December 2024"
kind = "move"
ticker = "AVGO"
date = 2024-12-13
stated = "24%"
against = ["SMH"]
[[claims]]
id = "b"
text = "Nvidia rose 3% that day"
kind = "move"
ticker = "NVDA"
date = 2024-12-13
stated = "3%"
"""


@pytest.fixture
def place(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = (root / "events.csv").read_text(encoding="utf-8").splitlines()
    few = [line for line in lines if line.split(",")[0] in FEW]
    (tmp_path / "few.csv").write_text("\n".join(few) + "\n", encoding="utf-8")
    (tmp_path / "mine.toml").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


STUDY = ["study", "few.csv", "--prices", "sample", "--window", "0,0", "--test", "bmp",
         "--observed", "AVGO"]  # fmt: skip


def test_files_text_and_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*STUDY, "--claims", "mine.toml", "--out", "with"]) == 0
    said = capsys.readouterr().out
    assert "2 claims: 1 supported, 1 contradicted, 0 cannot be said" in said
    frame = pd.read_csv("with/claims.csv")
    assert frame["claim"].tolist() == ["a", "b"]
    assert frame["verdict"].tolist() == ["supported", "contradicted"]
    assert frame["number"].tolist() == pytest.approx([224.80 / 180.66 - 1, 134.25 / 137.34 - 1])
    assert len(pd.read_csv("with/claim_numbers.csv")) == 4
    assert 'id="claims"' in Path("with/report.html").read_text(encoding="utf-8")
    manifest = json.loads(Path("with/manifest.json").read_text())
    assert manifest["configuration"]["claims"] == "mine.toml"
    assert set(manifest["claims"]["prices"]) == {"AVGO", "NVDA", "SPY"}
    assert len(manifest["claims"]["sha256"]) == 64
    # What a claim names beside the calendar changes nothing else.
    assert main([*STUDY, "--out", "without"]) == 0
    for name in ("abnormal", "tests", "effects", "dropped", "sensitivity"):
        one, two = (Path(out, f"{name}.csv").read_bytes() for out in ("with", "without"))
        assert one == two
    assert not Path("without/claims.csv").exists()
    page = Path("without/report.html").read_text(encoding="utf-8")
    assert 'id="claims"' not in page
    assert 'href="#claims"' not in page
    capsys.readouterr()
    assert main([*STUDY, "--claims", "mine.toml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["claims"]
    assert [claim["verdict"] for claim in found] == ["supported", "contradicted"]


def test_study_toml_and_flags(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The path is taken from the file's folder; article is a name; a flag wins."""
    (place / "sub").mkdir()
    (place / "sub" / "mine.toml").write_text(MINE)
    config = place / "sub" / "study.toml"
    head = 'events = "../few.csv"\nprices = "sample"\nwindow = "0,0"\ntest = "bmp"\n'
    for line, flags, said in (
        ('claims = "mine.toml"', [], "Mine"),
        ('claims = "article"', [], "The article's claims"),
        ('claims = "article"', ["--claims", "mine.toml"], "Mine"),
    ):
        config.write_text(head + line)
        assert main(["study", "--config", str(config), *flags]) == 0
        assert f"\n{said}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("artcle", "did you mean 'article'?"),
        ("none.toml", "none.toml: there is no such file"),
        ("wrong.toml", "claim 1 (a), key kind: 'mov': unknown kind (did you mean 'move'?)"),
    ],
)
def test_mistakes_are_told_before_any_work(
    place: Path, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    (place / "wrong.toml").write_text('[[claims]]\nid = "a"\ntext = "t"\nkind = "mov"\n')
    # The calendar is not there either: claims are read first.
    assert main(["study", "none.csv", "--prices", "sample", "--claims", given]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_the_guide_runs_word_for_word(
    root: Path, place: Path, case_study: es.StudyResult, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (root / "docs" / "claims.md").read_text(encoding="utf-8")
    blocks = {kind: re.findall(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("toml", "python")}
    (place / "my-claims.toml").write_text(blocks["toml"][0], encoding="utf-8")
    first, own = blocks["python"]
    exec(compile(first, "claims.md", "exec"), {"es": es, "study": case_study})  # noqa: S102
    assert "3 claims: 2 supported" in capsys.readouterr().out
    assert (place / "report.html").stat().st_size > 100_000
    extra = '[[claims]]\nid = "n"\ntext = "t"\nkind = "above"\nticker = "NVDA"\nlevel = 100.0\n'
    (place / "my-claims.toml").write_text(blocks["toml"][0] + extra, encoding="utf-8")
    made: dict[str, Any] = {}
    exec(compile(own, "claims.md", "exec"), made)  # noqa: S102
    result = es.check_claims(made["claims"], case_study)
    assert result.checked[-1].finding.reason == "NVDA ended at 124.92"
    for kind in KINDS.values():
        assert f"| `{kind.name}` |" in text
        for name in kind.parameters.model_fields:
            assert f"`{name}`" in text
