"""The results of single events, written part by part, and the events that no model can use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from eventstudy.disk.parts import PartWriter
from eventstudy.errors import UnknownNameError
from eventstudy.events.event import ALIGNMENTS
from eventstudy.significance.contract import student
from eventstudy.streaming.first import FirstJob, FirstPart, Kept, first_pass
from eventstudy.streaming.fits import FAULTS
from eventstudy.streaming.parts import split
from eventstudy.streaming.world import World
from eventstudy.study.large.observed import BITS, Lost, Observed
from eventstudy.windows import window_name
from eventstudy.workers import Hands

if TYPE_CHECKING:
    from eventstudy.events import EventCalendar

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Study = TypeVar("Study")

TABLES = ("cars", "abnormal")
"""Tables of single events that can be written."""


def each_event(
    hands: Hands[World],
    found: Observed,
    column: Ints,
    events: EventCalendar,
    days: npt.NDArray[np.datetime64],
    out: str | Path | None,
    tables: Sequence[str],
    accept: Callable[[Observed, list[Lost], dict[str, float]], Study],
) -> tuple[Bools, Study]:
    """Fit every observation once; write what was found of each.

    Parameters
    ----------
    hands : Hands
    found : Observed
        n observations.
    column : ndarray, shape (n,), int
        Securities of the world.
    events : EventCalendar
    days : ndarray, shape (S,), datetime64[D]
    out : path or None
    tables : sequence of str
        Of `TABLES`.
    accept : callable
        Given the observations that every model can use, the others by model and reason, and
        the largest condition number of each model's designs, before the tables take their
        place; where it raises, they do not.

    Returns
    -------
    sound : ndarray, shape (n,), bool
        The observations that every model can use.
    study
        What `accept` returned.

    Raises
    ------
    UnknownNameError
        For a table that there is not.
    """
    for name in tables:
        if name not in TABLES:
            raise UnknownNameError("table of single events", name, TABLES)
    order = np.argsort(found.position, kind="stable")
    parts = list(split(column[order], found.position[order], 0))
    written = out is not None
    jobs = [FirstJob(part, sums=False, cars=False, keep=written, held=written) for part in parts]
    reason = {name: np.zeros(len(found), dtype=np.int8) for name in hands.payload.recipes}
    usable = {name: np.zeros(len(found), dtype=np.int64) for name in hands.payload.recipes}
    start, worst = 0, dict.fromkeys(hands.payload.recipes, 1.0)
    with ExitStack() as stack:
        writers = (
            {}
            if out is None
            else {name: stack.enter_context(PartWriter(out, name)) for name in tables}
        )
        said = Labels(events, found, days, hands.payload)
        ran = hands.run(first_pass, jobs, ordered=True, what="each event")
        for (_, part), job in zip(ran, jobs, strict=True):
            rows = order[start : start + job.part.own]
            start += job.part.own
            _note_faults(part, rows, reason, usable)
            worst = {name: max(known, part.conditions[name]) for name, known in worst.items()}
            for name, writer in writers.items():
                for model, kept in part.kept.items():
                    make = said.cars if name == "cars" else said.abnormal
                    for table in make(model, kept, rows[kept.rows]):
                        writer.write(table)
        sound = ~np.any(list(reason.values()), axis=0)
        return sound, accept(found.take(sound), _lost(found, reason, usable), worst)


def _note_faults(
    part: FirstPart,
    rows: Ints,
    reason: Mapping[str, npt.NDArray[np.int8]],
    usable: Mapping[str, Ints],
) -> None:
    bad = np.any(list(part.faulty.values()), axis=0)
    for model, found in part.faulty.items():
        reason[model][rows] = found
        usable[model][rows[bad]] = part.usable[model]


def _lost(
    found: Observed, reason: Mapping[str, npt.NDArray[np.int8]], usable: Mapping[str, Ints]
) -> list[Lost]:
    lost = []
    for model, codes in reason.items():
        for code, name in enumerate(FAULTS, start=1):
            rows = np.flatnonzero(codes == code)
            if len(rows):
                lost.append(
                    Lost(
                        name, found.event[rows], found.label[rows], found.position[rows],
                        usable[model][rows], model,
                    )
                )  # fmt: skip
    return lost


class Labels:
    """Turns what was found of some observations into rows of the tables.

    Parameters
    ----------
    events : EventCalendar
    found : Observed
    days : ndarray, shape (S,), datetime64[D]
    world : World
    """

    def __init__(
        self,
        events: EventCalendar,
        found: Observed,
        days: npt.NDArray[np.datetime64],
        world: World,
    ) -> None:
        import pyarrow as pa

        self.found, self.days, self.world = found, days, world
        self.ids = pa.array(events.study.frame["event_id"])
        self.labels = pa.array(found.labels)
        self.windows = pa.array([window_name(w) for w in world.ground.frame.windows])

    def cars(self, model: str, kept: Kept, rows: Ints) -> list[Any]:
        """Return CARs by event, security and window, a table an alignment."""
        dof = (kept.count - kept.params.shape[1])[:, None]
        t = kept.car / kept.se
        tails = student(t, dof)
        names = self.world.recipes[model].coefficients
        alpha, beta = (
            kept.params[:, names.index(name)] if name in names else np.full(len(rows), np.nan)
            for name in ("alpha", "beta" if "beta" in names else "mkt_rf")
        )
        wide = kept.car.shape[1]
        columns = {
            "window": self._coded(self.windows, np.tile(np.arange(wide), len(rows))),
            "car": kept.car.ravel(),
            "se": kept.se.ravel(),
            "t": t.ravel(),
            "p_value": tails.two_sided.ravel(),
            "n_estimation": np.repeat(kept.count, wide),
            "alpha": np.repeat(alpha, wide),
            "beta": np.repeat(beta, wide),
            "sigma": np.repeat(np.sqrt(kept.s2), wide),
            "bhar": kept.bhar.ravel(),
        }
        return self._by_alignment(model, rows, wide, columns)

    def abnormal(self, model: str, kept: Kept, rows: Ints) -> list[Any]:
        """Return abnormal returns by event, security and day, a table an alignment."""
        span = self.world.ground.frame.days
        dates = self.days[self.found.position[rows][:, None] + span]
        columns = {
            "day": np.tile(span, len(rows)),
            "date": dates.astype("datetime64[s]").ravel(),
            "ar": kept.ar.ravel(),
            "ar_se": kept.day_se.ravel(),
            "car": np.cumsum(kept.ar, axis=1).ravel(),
        }
        return self._by_alignment(model, rows, len(span), columns)

    def _by_alignment(
        self, model: str, rows: Ints, wide: int, columns: dict[str, Any]
    ) -> list[Any]:
        import pyarrow as pa

        found = []
        for name in self.found.alignments:
            held = (self.found.held[rows] & BITS[name]) > 0
            if not held.any():
                continue
            taken = np.repeat(rows, wide)
            table = {
                "event_id": self.ids.take(pa.array(self.found.event[taken])),
                "ticker": self._coded(self.labels, self.found.label[taken]),
                "alignment": self._coded(
                    pa.array(ALIGNMENTS), np.full(len(taken), ALIGNMENTS.index(name))
                ),
                "model": self._coded(pa.array([model]), np.zeros(len(taken), dtype=np.int64)),
                **columns,
            }
            made = pa.table(table)
            found.append(made if held.all() else made.filter(pa.array(np.repeat(held, wide))))
        return found

    @staticmethod
    def _coded(labels: Any, codes: Ints) -> Any:
        import pyarrow as pa

        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), labels)
