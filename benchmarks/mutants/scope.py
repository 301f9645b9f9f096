"""What is mutated, and which tests are asked about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Group:
    """Files that are sampled together.

    Attributes
    ----------
    name : str
    files : tuple of str
        Patterns relative to the root.
    tests : tuple of str
        Files and folders of tests, relative to the root; coverage then says which of them run
        a line.
    """

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]

    def paths(self, root: Path = ROOT) -> list[str]:
        """Return the files, sorted."""
        found = {p.relative_to(root).as_posix() for f in self.files for p in root.glob(f)}
        return sorted(found)


def _rooms(*names: str) -> tuple[str, ...]:
    return tuple(f"eventstudy/backtest/{name}.py" for name in names)


_TRADES = ("tests/backtest", "tests/strategies")

GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        Group(
            "abnormal",
            ("eventstudy/abnormal.py", "eventstudy/windows.py"),
            ("tests/models", "tests/study", "tests/test_differential.py"),
        ),
        Group(
            "models",
            ("eventstudy/models/*.py",),
            ("tests/models", "tests/study/test_stability.py", "tests/test_differential.py"),
        ),
        Group(
            "significance",
            ("eventstudy/significance/*.py",),
            ("tests/significance", "tests/study/test_one_event.py"),
        ),
        Group("activity", ("eventstudy/activity/*.py",), ("tests/activity",)),
        Group("longrun", ("eventstudy/longrun/*.py",), ("tests/longrun",)),
        Group(
            "streaming",
            ("eventstudy/streaming/*.py",),
            (
                "tests/streaming",
                "tests/study/test_streamed_engine.py",
                "tests/study/test_streamed_edges.py",
            ),
        ),
        Group("alignment", ("eventstudy/events/alignment.py",), ("tests/events",)),
        Group(
            "ledger",
            _rooms("ledger", "holdings", "sleeves", "attribution", "excursions"),
            _TRADES,
        ),
        Group("broker", _rooms("broker", "fills", "costs", "limits", "liquidity"), _TRADES),
        Group("fastpath", _rooms("fastpath", "sizing"), _TRADES),
        Group("metrics", _rooms("metrics", "paths"), _TRADES),
        Group("luck", ("eventstudy/backtest/luck/*.py",), _TRADES),
    )
}

SECTIONS = {
    "statistics": (
        "abnormal", "models", "significance", "activity", "longrun", "streaming", "alignment",
    ),
    "engine": ("ledger", "broker", "fastpath", "metrics", "luck"),
}  # fmt: skip
"""Groups by the section of the page that shows them."""
