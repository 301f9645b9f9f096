"""Factor files that no one would write: each was found by fuzzing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from eventstudy.errors import InputError
from eventstudy.factors import load_factors

HEAD = "date,mkt_rf,rf\n"


def told(folder: Path, content: bytes | str) -> str:
    path = folder / "factors.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as raised:
        load_factors(path, units="percent")
    return str(raised.value)


def test_the_latin_letters_of_the_library_are_let_through_and_no_others(tmp_path: Path) -> None:
    library = ",Mkt-RF,RF\n20240301,0.25,0.02\n\nCopyright \xa9 2024\n".encode("latin-1")
    path = tmp_path / "factors.csv"
    path.write_bytes(library)
    assert load_factors(path).column("mkt_rf").tolist() == [0.0025]
    found = told(tmp_path, (HEAD + "2024-03-01,0.25,\xa9\n").encode("latin-1"))
    assert "row 2: not UTF-8 (byte 0xa9)" in found


def test_years_that_no_factors_are_of(tmp_path: Path) -> None:
    found = told(tmp_path, HEAD + "0000-01-01,0.1,0.02\n2024-03-01,0.1,0.02\n")
    assert "row 2, column date: '0000-01-01': the year must be from 1800 to 2200" in found


def test_a_figure_is_shown_as_it_stands(tmp_path: Path) -> None:
    found = told(tmp_path, HEAD + "2024-03-01,-719528.25,0.02\n")
    assert "row 2, column mkt_rf: '-719528.25'" in found


def test_a_row_is_the_line_on_which_it_begins(tmp_path: Path) -> None:
    text = 'date,mkt_rf,note\n2024-03-01,0.1,"\n\n"\n2024-03-04,x,\n'
    assert "row 5, column mkt_rf: 'x'" in told(tmp_path, text)


@pytest.mark.parametrize("text", ["date" + "," * 150_000, HEAD + "2024-03-01" + "," * 150_000])
def test_commas_without_end_take_no_time(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    told(tmp_path, text)
    assert time.process_time() - began < 2


def test_from_the_21st_of_a_kind_faults_are_counted(tmp_path: Path) -> None:
    """A million rows with the same fault are no million sentences."""
    rows = "".join(f"2024-03-01,{'x' if i % 2 else 0.3 if i % 10 else 60}\n" for i in range(1000))
    found = told(tmp_path, "date,mkt_rf\n" + rows)
    assert "row 3, column mkt_rf: 'x': not a number" in found
    assert "column mkt_rf: not a number; write -0.12, or nothing where it is missing (480 more" in (
        found
    )
    assert "column date: a date stands twice (979 more rows)" in found
    assert "a move of more than 50% in one session (80 more rows)" in found
    assert "1,599 faults" in found
