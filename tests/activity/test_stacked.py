"""Blocks of rows are stacked as pandas would stack a frame of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstudy.activity.layout import stacked

COLUMNS = ("name", "window", "value", "count", "said")


@st.composite
def blocks(draw):
    found = []
    for _ in range(draw(st.integers(1, 5))):
        n = draw(st.integers(1, 4))
        values = st.floats(allow_nan=True, width=64)
        each = st.text("ab;", max_size=3)
        found.append(
            {
                "name": draw(each),
                "window": draw(st.lists(each, min_size=n, max_size=n)),
                "value": np.array(draw(st.lists(values, min_size=n, max_size=n))),
                "count": draw(st.sampled_from([n, np.arange(n)])),
                "said": draw(each | st.lists(each, min_size=n, max_size=n).map(tuple)),
            }
        )
    return found


@settings(max_examples=60, deadline=None)
@given(blocks())
def test_the_frame_is_that_of_pandas(found) -> None:
    frames = [pd.DataFrame(block, columns=list(COLUMNS)) for block in found]
    expected = pd.concat(frames, ignore_index=True)
    pd.testing.assert_frame_equal(stacked(found, COLUMNS), expected)


def test_without_a_block_the_columns_are_there() -> None:
    assert list(stacked([], COLUMNS)) == list(COLUMNS)
