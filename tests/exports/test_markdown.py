"""The Markdown, read by markdown-it as GitHub reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from made_export import (  # type: ignore[import-not-found]
    HOSTILE,
    Exported,
    percent,
    probability,
)
from markdown_it import MarkdownIt
from markdown_it.token import Token

from eventstudy.exports.markdown import escaped

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table, header first, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    heading, tokens = "", PARSER.parse(text)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            heading = shown(token)
        if token.type == "tr_open":
            found.setdefault(heading, []).append([])
        if before.type in ("td_open", "th_open"):
            found[heading][-1].append(shown(token))
    return found


def shown(token: Token) -> str:
    """Return what a reader sees of a line."""
    return "".join(child.content for child in token.children or ())


def kinds(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from kinds(token.children or [])


def test_effects_are_those_of_the_csv(exported: Exported) -> None:
    found = tables(exported.text("report.md"))
    caption = "Mean CAR by group, with 95% interval and the smallest effect found with 80% "
    header, *rows = found[f"{caption}probability"]
    expected = {
        (r["group"], r["alignment"], r["window"]): r for r in exported.rows("effects")
        if r["window"] in ("0,0", "2,10")
    }  # fmt: skip
    assert len(rows) == len(expected)
    assert header[6:10] == ["mean CAR", "low", "high", "smallest findable"]
    windows = {"day 0": "0,0", "days +2 to +10": "2,10"}
    for row in rows:
        wanted = expected[row[0], row[1], windows[row[3]]]
        assert row[4:6] == [wanted["n"], wanted["n_dates"]]
        assert row[6] == percent(wanted["caar"])
        if wanted["lo"]:
            assert row[7:9] == [percent(wanted["lo"]), percent(wanted["hi"])]


def test_the_papers_table_has_errors_in_parentheses_and_p_values_in_brackets(
    exported: Exported,
) -> None:
    header, *rows = tables(exported.text("report.md"))[
        "Cumulative average abnormal returns by group and window"
    ]
    assert header == ["group", "events", "dates", "", "day 0", "days +2 to +10"]
    effects = {
        (r["group"], r["window"]): r for r in exported.rows("effects") if r["alignment"] == "next"
    }
    p_values = {
        (r["group"], r["window"], r["test"]): r["p_value"] for r in exported.rows("tests")
        if r["alignment"] == "next"
    }  # fmt: skip
    blocks = [rows[i : i + 4] for i in range(0, len(rows), 4)]
    assert [block[0][0] for block in blocks][:2] == ["directional", "asic+"]
    for caar, error, first, second in blocks:
        group = caar[0]
        assert (caar[3], error[3]) == ("CAAR", "s.e.")
        assert (first[3], second[3]) == ("p kolari_pynnonen", "p corrado")
        for column, window in ((4, "0,0"), (5, "2,10")):
            wanted = effects[group, window]
            assert caar[1:3] == [wanted["n"], wanted["n_dates"]]
            assert caar[column] == percent(wanted["caar"])
            assert error[column] == (f"({percent(wanted['se'], '')})" if wanted["se"] else "–")
            for row, test in ((first, "kolari_pynnonen"), (second, "corrado")):
                p = p_values[group, window, test]
                assert row[column] == (f"[{probability(p)}]" if p else "–")


def test_notes_state_sample_model_and_assumptions_without_stars(exported: Exported) -> None:
    notes = next(
        line for line in exported.text("report.md").splitlines() if line.startswith("Notes: ")
    )
    said = shown(PARSER.parse(notes)[1])
    assert "20 events on 19 dates" in said
    assert "market model, benchmark SPY" in said
    assert "estimated on 250 sessions ending at session -11" in said
    assert "kolari_pynnonen tests that the mean abnormal return is zero; it needs: " in said
    assert "corrado is visibly strained: " in said
    assert "*" not in said


def test_hostile_texts_are_text(hostile: Exported) -> None:
    text = hostile.text("report.md")
    tokens = list(kinds(PARSER.parse(text)))
    forbidden = {"html_inline", "html_block", "code_inline", "em_open", "strong_open", "link_open",
                 "s_open", "fence", "code_block", "image", "hr", "blockquote_open"}  # fmt: skip
    assert not forbidden & {token.type for token in tokens}
    header, *rows = tables(text)["The calendar with session 0 of every event"]
    found = {row[0]: row[header.index("title")] for row in rows}
    for event_id, _, title in HOSTILE:
        told = event_id.replace("\u202e", "[U+202E]")
        assert found[told] == title.replace("\n", " ").replace("\t", " ")
    assert len(rows) == len(HOSTILE)
    assert "\u202e" not in text


@pytest.mark.parametrize(
    "text", ["- not a list", "1. not a list", "2) nor this", "# no heading", "+ x", "=== ", "---"]
)
def test_a_line_is_no_list_and_no_heading(text: str) -> None:
    tokens = PARSER.parse(escaped(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert shown(tokens[1]) == text.strip()


def test_figures_are_shown_where_they_are_written_and_told_where_not(exported: Exported) -> None:
    from eventstudy.exports import document_of
    from eventstudy.exports.markdown import markdown

    document = document_of(exported.study)
    assert "![" not in exported.text("report.md")
    assert "![Two-sided p-values by test and window](figure-heatmap.svg)" in markdown(
        document, "svg"
    )
    assert "two-sided p-values are below 5%" in exported.text("report.md")
