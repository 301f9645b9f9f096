"""How far long work is, for whoever watches."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from eventstudy.cli.terminal import watched
from eventstudy.letters import visible


class Bar:
    """Progress bars on stderr with the time left; nothing where nobody is watching."""

    def __enter__(self) -> Bar:
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        if watched():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """Show how far one part of the work is."""
        if self._progress is None:
            return
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(visible(what), total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


class Status:
    """One line on stderr: what is being done and for how long; the time left where it is known.

    Nothing where nobody is watching.
    """

    def __enter__(self) -> Status:
        self._status: Any = None
        self._began = time.perf_counter()
        self.what = ""
        if watched():
            from rich.console import Console

            self._status = Console(stderr=True).status(self, spinner="dots")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, what: str) -> None:
        """Show what is being done now."""
        if what.partition(":")[0] != self.what.partition(":")[0]:
            self._began = time.perf_counter()
        self.what = what

    def __rich__(self) -> str:
        """Return the line as it is now: a spinner asks for it again and again."""
        from rich.markup import escape

        spent = time.perf_counter() - self._began
        timed = "" if spent < 2 or " left" in self.what else f", {spent:.0f} s"
        return escape(visible(f"{self.what or 'starting'}{timed}"))
