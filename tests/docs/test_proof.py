"""What the proof on a clean clone needs of a machine: found, or told plainly."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="programs are files with a mode here")


def program(folder: Path, name: str, text: str = "") -> Path:
    """Write a program of the shell."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def browse(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("browse", root / "docs" / "_check" / "browse.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@POSIX
@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_is_found_by_any_of_its_names(browse, tmp_path, monkeypatch, name) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="install chromium"):
        browse.chromium()
    found = program(tmp_path, name)
    assert browse.chromium() == str(found)


@POSIX
@pytest.mark.parametrize("apt", [False, True], ids=["no apt-get", "neither root nor sudo"])
def test_what_cannot_be_installed_is_named(root: Path, tmp_path: Path, apt: bool) -> None:
    bash, dirname = map(shutil.which, ("bash", "dirname"))
    if bash is None or dirname is None:
        pytest.skip("there is no bash here")
    program(tmp_path, "id", "echo 1000")
    (tmp_path / "dirname").symlink_to(dirname)
    if apt:
        program(tmp_path, "apt-get", "echo asked >&2")
    done = subprocess.run(
        [bash, str(root / ".ci" / "run")],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert "install chromium fonts-dejavu-core make" in done.stderr
    assert len(done.stderr.splitlines()) == 1
