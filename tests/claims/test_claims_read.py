"""Claims as data: what a file may hold, and every fault of one at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import eventstudy as es
from eventstudy.claims import KINDS, Claims
from eventstudy.claims.stated import parse_stated
from eventstudy.errors import EventStudyError, InputError, UnknownNameError

WRONG = """
titel = "x"
[[claims]]
id = "a"
text = "rose"
kind = "mve"
[[claims]]
id = "b"
text = "rose"
kind = "move"
tickr = "AVGO"
date = 2024-12-13
stated = 0.24
[[claims]]
id = "b"
text = "fell"
kind = "run_of_falls"
ticker = "NVDA"
through = "17 December"
length = 0
[[claims]]
kind = "what_follows"
horizons = [5]
date = 2024-12-17
series = [{ long = "AVGO", sode = "-" }]
[[claims]]
id = "e"
text = "x"
kind = "company_figures"
[[claims.figures]]
what = "revenue"
period = "2024"
form = "grwth"
value = "about 12bn"
stated = "7%"
source = "x"
"""

SAID = """\
key titel: unknown key (did you mean 'title'?); known: title, source, claims
claim 1 (a), key kind: 'mve': unknown kind (did you mean 'move'?); known: move, market_value,
claim 2 (b), key tickr: unknown key of move (did you mean 'ticker'?); known: ticker, date, stated
claim 2 (b), key ticker: is missing
claim 2 (b), key stated: '0.24': write the number as text, such as '24%'
claim 3 (b), key through: '17 December': '17 December' is no date such as 2024-12-13
claim 3 (b), key length: '0': must be greater than or equal to 1
claim 4, key id: is missing
claim 4, key text: is missing
claim 4, key series.1.side: is missing
claim 4, key series.1.sode: unknown key of what_follows (did you mean 'side'?); known: long
claim 5 (e), key figures.1.form: 'grwth': allowed are growth, share, level (did you mean 'growth'?)
claim 5 (e), key figures.1.value: 'about 12bn': 'about 12bn' is no number such as '24%'
key id: 'b': this id stands on several claims"""


def test_every_fault_is_told_at_once(claims_of: Callable[[str], Claims]) -> None:
    with pytest.raises(InputError) as caught:
        claims_of(WRONG)
    said = str(caught.value)
    for line in SAID.splitlines():
        assert line in said, said
    assert len(caught.value.faults) == len(SAID.splitlines())
    assert "claims.toml" in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('id = "a"', "there is no claim: write one as [[claims]]"),
        ("claims = [1]", "claim 1: a claim is a table"),
        ("[[claims]\n", "claims.toml, row 1: no TOML: "),
        (
            '[[claims]]\nid="a"\ntext="b"\nkind="what_follows"\nhorizons=[5]\ndate=2024-12-17',
            "date and series belong together",
        ),
        (
            '[[claims]]\nid="a"\ntext="b"\nkind="company_figures"\n[[claims.figures]]\nwhat="w"\n'
            'period="p"\nform="growth"\nvalue="1"\nstated="7%"\nsource="s"',
            "form 'growth' needs a base",
        ),
        (
            '[[claims]]\nid="a"\ntext="b"\nkind="group_effect"\ngroup="all"\nside="+"\nwindow="x"',
            "window 'x': write a,b",
        ),
    ],
)
def test_other_faults(claims_of: Callable[[str], Claims], text: str, problem: str) -> None:
    with pytest.raises(EventStudyError) as caught:
        claims_of(text)
    assert problem in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'article'"):
        es.read_claims("artcle")
    with pytest.raises(EventStudyError, match="there is no such file"):
        es.read_claims(tmp_path / "none.toml")


def test_the_article_has_its_fourteen_claims_and_uses_every_kind() -> None:
    article = es.read_claims("article")
    assert [claim.id for claim in article.items] == [str(i) for i in range(1, 15)]
    assert {claim.kind.name for claim in article.items} == set(KINDS)
    assert {"AVGO", "NVDA", "MRVL", "SMH", "@ASIC", "@GPU"} == set(article.tickers())


@pytest.mark.parametrize(
    ("text", "value", "lo", "hi"),
    [
        ("24%", 0.24, 0.235, 0.245),
        ("+7.0%", 0.07, 0.0695, 0.0705),
        ("-3%", -0.03, -0.035, -0.025),
        ("4.324bn", 4.324e9, 4.3235e9, 4.3245e9),
        ("51,574m", 51_574e6, 51_573.5e6, 51_574.5e6),
        ("0.8tn", 8e11, 7.5e11, 8.5e11),
        ("2x", 2.0, 1.5, 2.5),
    ],
)
def test_stated_numbers(text: str, value: float, lo: float, hi: float) -> None:
    found = parse_stated(text)
    assert (found.value, found.lo, found.hi) == pytest.approx((value, lo, hi), rel=1e-12)


@pytest.mark.parametrize("text", ["", "1e5", "24 percent", "1,23m", "--3", "nan", "5 bn bn"])
def test_texts_that_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is no number such as"):
        parse_stated(text)
