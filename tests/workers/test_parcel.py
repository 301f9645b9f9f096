"""A payload comes out as it went in, its arrays mapped and not copied, and its file is let go."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eventstudy.workers import here
from eventstudy.workers.parcel import aligned, opened, opened_file, packed


@dataclass
class Thing:
    """Something with arrays of several kinds."""

    table: pd.DataFrame
    cut: np.ndarray
    rules: MappingProxyType


def test_everything_comes_out_as_it_went_in(tmp_path) -> None:
    rng = np.random.default_rng(3)
    array = rng.normal(size=(300, 7))
    thing = Thing(pd.DataFrame(array, columns=list("abcdefg")), array[::2, 1:4],
                  MappingProxyType({"a": 1}))  # fmt: skip
    payload = {
        "thing": thing,
        "twice": (array, array),
        "fortran": np.asfortranarray(array),
        "none": np.empty((0, 3)),
        "days": np.array(["2020-01-01"], "datetime64[D]"),
    }
    found = packed(payload)
    found.write(tmp_path / "payload")
    again = opened_file(str(tmp_path / "payload"), found.spans, found.seal)
    pd.testing.assert_frame_equal(again["thing"].table, thing.table)
    np.testing.assert_array_equal(again["thing"].cut, thing.cut)
    assert again["thing"].rules == {"a": 1}
    assert again["twice"][0] is again["twice"][1]
    np.testing.assert_array_equal(again["fortran"], array)
    assert again["fortran"].flags.f_contiguous
    assert again["none"].shape == (0, 3)
    np.testing.assert_array_equal(again["days"], payload["days"])
    whole = again["twice"][0]
    assert whole.ctypes.data % 64 == 0
    with pytest.raises(ValueError, match="read-only"):
        whole[0, 0] = 1.0


def test_an_array_is_in_the_file_once(tmp_path) -> None:
    array = np.arange(1e5)
    packed([array, array, array.reshape(100, 1000)]).write(tmp_path / "payload")
    # The third is a view with a memory of its own for pickle.
    assert array.nbytes <= (tmp_path / "payload").stat().st_size < 2.01 * array.nbytes


@given(st.lists(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=9)), max_size=4))
def test_pieces_make_the_whole(arrays) -> None:
    for one, other in zip(arrays, opened(packed(arrays).pieces), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shift", [0, 1, 4, 8, 16])
def test_what_came_over_a_network_is_put_where_sums_are_those_of_numpy(shift) -> None:
    """At an odd address numpy adds in another order: found with a cluster of two workers."""
    array = np.random.default_rng(2).normal(size=100_000)
    room = np.empty(array.nbytes + 80, dtype=np.uint8)
    begin = -room.ctypes.data % 16 + shift
    came = room[begin : begin + array.nbytes]
    came[:] = array.view(np.uint8)
    again = np.frombuffer(aligned(came))
    assert again.ctypes.data % 16 == 0
    assert again.sum() == array.sum()
    assert np.shares_memory(again, room) == (shift in (0, 16))


def test_a_worker_lets_a_payload_go_when_its_file_is_gone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(here, "LOOK", 0.01)
    path = tmp_path / "payload"
    found = packed([1, 2])
    found.write(path)
    filed = here.Filed("mine", str(path), found.spans, found.seal)
    assert here.run_filed(filed, lambda payload, task: payload[task], [(7, 1)])[0] == [(7, 2)]
    time.sleep(0.1)
    assert here._OPEN == {"mine": [1, 2]}
    path.unlink()
    until = time.monotonic() + 5
    while here._OPEN and time.monotonic() < until:
        time.sleep(0.01)
    assert here._OPEN == {}
