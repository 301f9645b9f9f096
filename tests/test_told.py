"""What a result says, as text and as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd

from eventstudy.told import as_html, as_text

HOSTILE = "<script>alert(1)</script> & \"'"


class Reader(HTMLParser):
    """Keeps elements and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_hostile_text_stays_text():
    frame = pd.DataFrame({HOSTILE: [HOSTILE]}, index=pd.Index([HOSTILE], name="strategy"))
    reader = Reader()
    reader.feed(as_html([HOSTILE, "", frame]))
    assert "script" not in reader.tags
    assert reader.tags[0] == "p"
    assert sum(HOSTILE in part for part in reader.text) == 4  # line, head, index, cell


def test_text_has_an_index_only_where_it_has_a_name():
    plain, named = pd.DataFrame({"a": ["1"]}), pd.DataFrame({"a": ["1"]}, index=["x"])
    named.index.name = "strategy"
    assert as_text(["head", "", plain, "", named]) == "head\n\na\n1\n\n   a\nx  1"


def test_long_lines_are_wrapped_and_tables_are_not():
    line = "word " * 10
    wide = pd.DataFrame({"a" * 40: ["1"]})
    told = as_text([line.strip(), wide], width=20).splitlines()
    assert max(len(part) for part in told[:-2]) <= 20
    assert told[-2] == "a" * 40


def test_what_follows_the_last_table_can_be_folded():
    frame = pd.DataFrame({"a": ["1"]})
    assert as_html(["x", frame, "y", "", "z"]).endswith(
        "<details open><summary>Notes</summary>\n<p>y</p>\n<p>z</p>\n</details>"
    )
    assert "details" not in as_html(["x", frame])
    assert as_html(["x", "y"]) == "<p>x</p>\n<p>y</p>"
