"""Results of a sweep kept on disk while it runs, so that a later run goes on from there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from eventstudy.backtest.sweep.work import Ended
from eventstudy.disk import write_whole


class Kept:
    """A folder of parts, one a batch; a part is there whole or not at all.

    Parameters
    ----------
    folder : path
    key : str
        Of the sweep: parts of another one are left alone.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        self.folder = Path(folder)
        self.key = key

    def found(self) -> dict[int, Ended]:
        """Return what has been run before, by number of the variant."""
        ended: dict[int, Ended] = {}
        for path in sorted(self.folder.glob(f"part-{self.key[:16]}-*.json")):
            for item in json.loads(path.read_text(encoding="utf-8")):
                made = Ended(
                    item["number"],
                    np.array(item["excess"]),
                    np.array(item["earned"]),
                    {name: _number(value) for name, value in item["figures"].items()},
                    item["engine"],
                    item["error"],
                )
                ended[made.number] = made
        return ended

    def add(self, batch: Iterable[Ended]) -> None:
        """Write one batch."""
        items = [
            {
                "number": item.number,
                "excess": item.excess.tolist(),
                "earned": item.earned.tolist(),
                "figures": dict(item.figures),
                "engine": item.engine,
                "error": item.error,
            }
            for item in batch
        ]
        first = min(int(str(item["number"])) for item in items)
        text = json.dumps(items).encode()
        path = self.folder / f"part-{self.key[:16]}-{first:07d}.json"
        write_whole(path, lambda file: file.write(text))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
