"""The quick writers, each killed, refused and doubled a few times; told in JSON.

A program of its own, so that the processes that die are forked from one without threads.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from fault_kills import killed_often, settle, use_cache_of
from fault_space import longest_file
from fault_together import at_once
from fault_writers import Writer, few_events, named, serve


def _in_place() -> int:
    """Write as no writer of ours may: into the file itself, and a folder half way."""
    with open("page.json", "w") as file:
        file.write('{"half": ')
        file.flush()
        os.makedirs("half-way", exist_ok=True)
        os.chmod("half-way", 0o700)
        file.write("1}")
    return 0


def _too_long() -> int:
    """Write more into the file itself than the process may."""
    with open("page.json", "w") as file:
        file.write(json.dumps("x" * 2000))
    return 0


def _left() -> int:
    """Leave what nobody removes."""
    Path(".writing-00000000").write_text('{"half": 1}')
    os.replace(".writing-00000000", "page.json")
    Path("page.json").write_text('{"a": 1}')
    return 0


SABOTAGED = {
    "torn": Writer("in place", few_events, _in_place),
    "changed": Writer("twice", few_events, _left),
}


def main(base: Path, tries: int) -> dict[str, object]:
    """Return what came of each, as in `benchmarks/faults.py`."""
    server, os.environ["EVENTSTUDY_CHARTS"] = serve()
    try:
        writers = named(["factors", "import", "new"])
        for writer in writers:
            _once(writer, base / "once")
        found: dict[str, object] = {
            "kills": [asdict(killed_often(w, base, tries * w.tries // 8, seed=3)) for w in writers],
            "space": [asdict(longest_file(w, settle(w, base), 1024)) for w in writers],
            "together": [asdict(at_once(w, settle(w, base), 2, 1)) for w in writers[:2]],
        }
        cut = Writer("in place, and cut short", few_events, _too_long)
        found["cut"] = asdict(longest_file(cut, settle(cut, base), 1024))
        for name, writer in SABOTAGED.items():
            found[name] = asdict(killed_often(writer, base, 6, seed=3))
        return found
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


def _once(writer: Writer, place: Path) -> None:
    """Do it in this process, so that those forked from it have imported what it takes."""
    place.mkdir(parents=True, exist_ok=True)
    use_cache_of(place)
    writer.prepare(place)
    os.chdir(place)
    with contextlib.redirect_stdout(io.StringIO()):
        if writer.work():
            raise RuntimeError(f"{writer.name} fails by itself")


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
