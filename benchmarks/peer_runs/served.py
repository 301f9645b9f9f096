"""The measured side of a comparison: one program in its own process, asked over pipes.

Standard library and numpy only: this file runs under the Python of each peer. A script states how
its program is fed and called, and hands it to `serve`; a line of JSON on standard input asks for
one run, a line of JSON answers. Only `run` is timed. What the program prints goes to standard
error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def serve(
    load: Callable[[Arrays], Any],
    prepare: Callable[[Any, int], Any],
    run: Callable[[Any], Any],
    read: Callable[[Any], dict[str, Any]],
) -> None:
    """Answer requests until standard input ends.

    Parameters
    ----------
    load : callable
        Arrays of the work to what is kept between runs.
    prepare : callable
        That and the number of events to the input of one run, made anew each time.
    run : callable
        What is timed.
    read : callable
        What a run returned to arrays by name.
    """
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    loaded = load(dict(np.load(sys.argv[1])))
    print(json.dumps({"ready": True}), file=channel)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = _one_run(loaded, asked, prepare, run, read)
        except Exception as error:  # whatever a peer raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=channel)


def _one_run(
    loaded: Any,
    asked: dict[str, Any],
    prepare: Callable[[Any, int], Any],
    run: Callable[[Any], Any],
    read: Callable[[Any], dict[str, Any]],
) -> dict[str, float]:
    given = prepare(loaded, asked["count"])
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    found = run(given)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    if asked.get("to"):
        np.savez(Path(asked["to"]), **read(found))
    return {"wall": wall, "processor": processor}
