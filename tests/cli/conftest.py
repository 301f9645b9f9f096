"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

PAGE = "eventstudy.report.render_html"


def _empty(*_: object, **__: object) -> str:
    return "<html></html>"


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty page, where a run's other files are looked at: tests/report has the page."""
    monkeypatch.setattr(PAGE, _empty)


@pytest.fixture(scope="session")
def without_page() -> Callable[[], AbstractContextManager[None]]:
    """Give a context in which pages are empty, for fixtures of a module."""

    @contextmanager
    def empty() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PAGE, _empty)
            yield

    return empty
