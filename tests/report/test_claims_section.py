"""The section on claims: every claim with its verdict, and hostile texts as text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es

HOSTILE = """
title = "<script>alert(1)</script>"
source = "\\u202e\\"><img src=x onerror=alert(2)>"
[[claims]]
id = "=cmd()"
text = "<script>alert(3)</script>"
kind = "move"
note = "<b>note</b>"
not_identified = ["<i>open</i>"]
ticker = "<svg onload=alert(4)>"
date = 2024-05-01
stated = "1%"
[[claims]]
id = "</details></section>"
text = "`x` {{ 7 * 7 }}"
kind = "company_figures"
[[claims.figures]]
what = "<u>w</u>"
period = "<p>"
form = "level"
value = "1bn"
stated = "1bn"
source = "javascript:alert(5)"
"""


def words(html: str) -> str:
    from html.parser import HTMLParser

    found: list[str] = []

    class Text(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Text(convert_charrefs=True).feed(html)
    return re.sub(r"\s+", " ", " ".join(found))


def section(html: str) -> str:
    start = html.index('<section id="claims"')
    return html[start : html.index("</section>", start)]


@pytest.fixture(scope="module")
def article(made: Made) -> tuple[es.ClaimsResult, str]:
    result = es.check_claims("article", made.study)
    return result, es.report.render_html(made.study, claims=result)


def test_every_claim_stands_in_the_section(article: tuple[es.ClaimsResult, str]) -> None:
    result, html = article
    told = section(html)
    said = words(told)
    assert '<a href="#claims">' in html
    assert result.headline() in said
    badges = re.findall(r'<h3><bdi>(\d+)\. .*?<span class="verdict (\w+)">([a-z ]+)</span>', told)
    kinds = {"supported": "supported", "contradicted": "contradicted", "cannot be said": "open"}
    assert [(number, text) for number, _, text in badges] == [
        (c.claim.id, c.finding.verdict) for c in result.checked
    ]
    assert all(style == kinds[text] for _, style, text in badges)
    for checked in result.checked:
        assert checked.claim.text in said
        assert checked.finding.reason[1:] in said
        for line in (*checked.finding.assumptions, *checked.finding.not_identified):
            assert line in said
        for number in checked.finding.numbers:
            assert number.what in said
            assert re.sub(r"\s+", " ", number.test) in said


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium on this machine")
def test_the_section_in_a_browser(
    article: tuple[es.ClaimsResult, str], browser: Any, tmp_path: Path
) -> None:
    """Nothing complains, the contents lead to it, and a phone does not scroll sideways."""
    path = tmp_path / "report.html"
    path.write_text(article[1], encoding="utf-8")
    page = browser.new_context(viewport={"width": 390, "height": 800}, offline=True).new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-filled=all]", timeout=60_000, state="attached")
    page.click('.contents a[href="#claims"]')
    page.wait_for_function(
        "() => Math.abs(document.querySelector('#claims').getBoundingClientRect().top) < 200"
    )
    page.locator("#claim-13 summary").click()
    page.locator("#claim-13 table").wait_for(state="visible")
    assert not page.locator("#claim-12 table").is_visible()
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    colour = "e => getComputedStyle(e).backgroundColor"
    shades = {
        name: page.locator(f"#claims .verdict.{name}").first.evaluate(colour)
        for name in ("supported", "open")
    }
    page.context.close()
    assert wide <= 0
    assert said == []
    assert len(set(shades.values())) == 2


def test_hostile_claims_are_text(
    small_study: Callable[..., es.StudyResult], tmp_path: Path
) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(HOSTILE, encoding="utf-8")
    study = small_study(window=[(0, 0)])
    result = es.check_claims(path, study)
    told = section(es.report.render_html(study, claims=result))
    for text in ("<script>alert", "<img", "<svg", "<b>note", "<i>open", "<u>w", "<p>:"):
        assert text not in told
    assert told.count("<article") == 2
    said = words(told)
    shown = [
        "<script>alert(3)</script>", "=cmd()", "</details></section>", "{{ 7 * 7 }}",
        "<i>open</i>", "<b>note</b>", '\u202e"><img src=x onerror=alert(2)>',
    ]  # fmt: skip
    for text in shown:
        assert text in said


def test_each_conclusion_says_what_was_not_identified(made: Made) -> None:
    from eventstudy.report.case import make_case
    from eventstudy.report.words import conclusions

    case = make_case(made.study, "avgo-earnings-2024-12-12")
    for conclusion in (*conclusions(made.study), *case.conclusions):
        assert conclusion.not_identified
        assert conclusion.rests_on
    lead = conclusions(made.study)[0]
    assert any("knowledge of later prices" in line for line in lead.not_identified)
    assert all("sutskever-neurips-2024" in c.not_identified[0] for c in case.conclusions)
    needs = " ".join(case.conclusions[0].rests_on)
    assert "needs: residuals identically distributed" in needs
