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
from eventstudy.workers.parcel import opened, opened_file, packed


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
    again = opened_file(str(tmp_path / "payload"), found.spans)
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


@given(
    st.lists(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=9)), max_size=4),
    st.integers(1, 200),
)
def test_parts_of_any_size_make_the_whole(arrays, size) -> None:
    found = packed(arrays)
    data = bytearray(len(found))
    for offset, part in found.parts(size):
        assert 0 < len(part) <= size
        data[offset : offset + len(part)] = part
    for one, other in zip(arrays, opened(data, found.spans), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_worker_lets_a_payload_go_when_its_file_is_gone(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(here, "LOOK", 0.01)
    path = tmp_path / "payload"
    found = packed([1, 2])
    found.write(path)
    filed = here.Filed("mine", str(path), found.spans)
    assert here.run_filed(filed, lambda payload, task: payload[task], [(7, 1)])[0] == [(7, 2)]
    time.sleep(0.1)
    assert here._OPEN == {"mine": [1, 2]}
    path.unlink()
    until = time.monotonic() + 5
    while here._OPEN and time.monotonic() < until:
        time.sleep(0.01)
    assert here._OPEN == {}
