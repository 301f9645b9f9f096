"""Event studies and backtests of this project against other programs, on the same made work.

Each program runs in its own process and its own virtual environment (made with pip when missing;
one that cannot be installed, or fails, gets a row that says so). Only its computation is timed:
no import, no reading, no making of its inputs. The programs take turns, medians count, ratios are
those of one run of this script. Each is held against a plain numpy loop, or arithmetic: a row
says how far its output is from that.

    python benchmarks/peers.py [--only studies|tests|backtests] [--envs DIR] [--repeats 5]
                               [--limit 20] [--write]

--write puts the tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from peer_environments import cache_folder
from peer_tables import SECTIONS
from sections import write_section


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the sections where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=tuple(SECTIONS), action="append")
    parser.add_argument("--envs", type=Path, default=cache_folder())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=20.0)
    parser.add_argument("--sessions", type=int, default=1_500)
    parser.add_argument("--tickers", type=int, default=300)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    given.envs = given.envs.resolve()
    for name in given.only or SECTIONS:
        with tempfile.TemporaryDirectory() as folder:
            text = SECTIONS[name](given, Path(folder))
        print(f"{text}\n", flush=True)
        if given.write:
            write_section(f"peers-{name}", text)


if __name__ == "__main__":
    sys.exit(main())
