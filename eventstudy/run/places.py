"""Where the files that ship with the project stand, installed or in its own repository."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def bundled_events() -> Path:
    """Return the shipped calendar of events."""
    packaged = PACKAGE / "bundle" / "events.csv"
    return packaged if packaged.is_file() else PACKAGE.parent / "events.csv"
