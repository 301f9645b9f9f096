"""One program in its own process: started, asked for runs, and held to a time limit."""

from __future__ import annotations

import json
import selectors
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from peer_environments import BENCHMARKS, EnvironmentFault, Program, interpreter_of, own_environment


class PeerFault(Exception):
    """A program that gave no answer, and why."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    count : int
        Events.
    wall, processor : float
        Seconds of the computation alone, all threads.
    """

    count: int
    wall: float
    processor: float


class PeerProcess:
    """A program that waits for requests; see `peer_runs.served`."""

    def __init__(self, program: Program, envs: Path, work: Path, patience: float) -> None:
        try:
            python = interpreter_of(program, envs)
        except EnvironmentFault as fault:
            raise PeerFault(f"not installed: {fault}") from None
        self.program = program
        self._patience = patience
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (closed by close)
        self._folder = tempfile.TemporaryDirectory()
        own = (BENCHMARKS, BENCHMARKS.parent) if not program.pins else ()
        script = BENCHMARKS / "peer_runs" / program.script
        self._process = subprocess.Popen(
            [str(python), "-s", str(script), str(work), *program.arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
            env=own_environment(*own), cwd=self._folder.name,
        )  # fmt: skip
        try:
            self._answer("start")
        except PeerFault:
            self.close()
            raise

    def run(self, count: int) -> Run:
        """Run once and keep nothing.

        Raises
        ------
        PeerFault
            Where the program raises, ends or takes too long.
        """
        answer = self._ask(count, None)
        return Run(count, float(answer["wall"]), float(answer["processor"]))

    def output(self, count: int) -> dict[str, np.ndarray]:
        """Run once and return what it computed."""
        path = Path(self._folder.name) / "found.npz"
        self._ask(count, path)
        with np.load(path) as held:
            return dict(held)

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._log.close()
        self._folder.cleanup()

    def _ask(self, count: int, to: Path | None) -> dict[str, object]:
        request = json.dumps({"count": count, "to": str(to) if to else None})
        try:
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except OSError:
            raise PeerFault(f"ended: {self._last_word()}") from None
        return self._answer(f"{count:,} events")

    def _answer(self, what: str) -> dict[str, object]:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(self._patience):
                self._process.kill()
                raise PeerFault(f"{what}: no answer in {self._patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise PeerFault(f"ended: {self._last_word()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerFault(f"{what}: {answer['error']}")
        return answer

    def _last_word(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1] if lines else "no word"
