"""Small calendars written to disk, and the sessions they are read with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Return a function that writes lines, or bytes, as a calendar and returns its path."""

    def written(*lines: str, data: bytes | None = None, name: str = "calendar.csv") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join([*lines, ""]).encode() if data is None else data)
        return path

    return written
