"""Processes that are forked from a warm one, and killed while they change files."""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CHANGES = (
    "open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "os.truncate",
    "os.link", "os.symlink",
)  # fmt: skip
"""Audit events of Python by which files and folders are made, changed and removed."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Death:
    """When a process is to be killed.

    Attributes
    ----------
    event : int
        Of its changes of files under the folder that is watched, from 1; 0 for none.
    delay : float or None
        Seconds after the event, by another process; None: by itself, before the change is made.
    """

    event: int = 0
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended.

    Attributes
    ----------
    code : int
        Exit code; minus the signal where one ended it.
    changes : int
        Changes of files that it was seen to begin; told by those that ended in peace.
    said : str
        What it printed.
    hung : bool
        Whether it had to be ended after `PATIENCE` seconds.
    """

    code: int
    changes: int = 0
    said: str = ""

    hung: bool = False

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL and not self.hung


def run(
    work: Callable[[], int], watched: Path, death: Death | None = None, before: Any = None
) -> End:
    """Do something in a forked process in a folder, and see it end.

    Parameters
    ----------
    work : callable
        Its exit code.
    watched : Path
        Where the process stands, and where changes of files count.
    death : Death, optional
    before : callable, optional
        Called in the process ahead of `work`, such as to set its limits.
    """
    return together([work], watched, death, before)[0]


def together(
    works: Sequence[Callable[[], int]],
    watched: Path,
    death: Death | None = None,
    before: Any = None,
) -> list[End]:
    """Do several things at once, each in a process of its own; see `run`."""
    started = []
    for number, work in enumerate(works):
        reading, writing = os.pipe()
        said = watched.parent / f"{watched.name}.said-{number}"
        child = os.fork()
        if child == 0:
            os.close(reading)
            _live(work, watched, death, writing, said, before)
        os.close(writing)
        started.append((child, reading, said))
    ends = []
    for child, reading, said in started:
        ends.append(_seen(child, reading, death, said))
        os.close(reading)
    return ends


def _live(
    work: Callable[[], int], watched: Path, death: Death | None, pipe: int, said: Path, before: Any
) -> None:
    """Be the child: never returns."""
    code = 70
    try:
        os.setpgid(0, 0)
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.chdir(watched)
        faulthandler.dump_traceback_later(PATIENCE - 20.0)  # a hang tells where it is
        if before is not None:
            before()
        seen = _Watch(str(watched), death or Death(), pipe)
        sys.addaudithook(seen)
        code = work()
        seen.over = True
        os.write(pipe, b"%d\n" % seen.count)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            code = code or 71
        os._exit(code)


class _Watch:
    """Counts changes of files; kills its process, or has it killed, at one of them."""

    def __init__(self, root: str, death: Death, pipe: int) -> None:
        self.root, self.death, self.pipe = root, death, pipe
        self.count, self.over, self.process = 0, False, os.getpid()

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if event not in CHANGES or self.over or os.getpid() != self.process:
            return
        if event == "open" and not (isinstance(given[2], int) and given[2] & WRITES):
            return
        if not self._ours(given):
            return
        self.count += 1
        if self.count == self.death.event:
            if self.death.delay is None:
                os.kill(self.process, signal.SIGKILL)
            os.write(self.pipe, b"now\n")

    def _ours(self, given: tuple[Any, ...]) -> bool:
        path = given[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        name = os.fsdecode(path)
        return not os.path.isabs(name) or name.startswith(self.root)


def _seen(child: int, pipe: int, death: Death | None, said: Path) -> End:
    """Read what a child tells, kill it where it asks for that, and wait for its end."""
    told, end = b"", time.monotonic() + PATIENCE
    while True:
        ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
        part = os.read(pipe, 4096) if ready else b""
        if not part:
            break
        told += part
        if death is not None and death.delay is not None and told == b"now\n":
            time.sleep(death.delay)
            os.kill(child, signal.SIGKILL)
    if time.monotonic() > end:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    count = told.replace(b"now\n", b"").strip()
    text = said.read_text(errors="replace") if said.exists() else ""
    found = End(code, int(count) if count.isdigit() else 0, text)
    hung = time.monotonic() > end
    return replace(found, said=f"{text}\nnever ended", hung=True) if hung else found
