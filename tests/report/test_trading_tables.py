"""The trading section's tables: months on coloured ground, alpha and beta, attribution."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_page import Made  # type: ignore[import-not-found]

import eventstudy as es
from eventstudy.report.tables import Heat
from eventstudy.report.trading import monthly_heat, trading_lines, trading_tables


def monthly_of(*rows: tuple[str, int, int | None, float, bool]) -> pd.DataFrame:
    names = ["strategy", "year", "month", "return", "partial"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"month": "Int64"})


def test_colour_grows_with_the_root_of_the_return() -> None:
    table = monthly_heat(
        monthly_of(
            ("a", 2024, 2, 0.04, True),
            ("a", 2024, 3, -0.16, False),
            ("a", 2024, 4, 0.0, False),
            ("a", 2024, None, -0.5, True),
            ("a", 2025, 1, float("nan"), False),
        )
    )
    first, second = table.rows
    assert first[:2] == ("a", "2024")
    # The largest month is 16%: 4% is half as deep, a year beyond it no deeper than the deepest.
    assert first[2:6] == (
        "", Heat("4.0", 0.5, True), Heat("\u221216.0", -1.0), Heat("0.0", 0.0),
    )  # fmt: skip
    assert first[-1] == Heat("\u221250.0", -1.0, True)
    assert [cell.kind for cell in first[3:6]] == ["up marked", "down", "even"]  # type: ignore[union-attr]
    assert second[2] == Heat("\u2013", 0.0)
    assert len(table.columns) == len(first) == len(second) == 15


def test_nothing_earned_has_no_colour() -> None:
    table = monthly_heat(monthly_of(("a", 2024, 2, 0.0, False), ("a", 2024, None, 0.0, True)))
    assert table.rows[0][3] == Heat("0.0", 0.0)


def test_months_stand_on_the_page(made: Made) -> None:
    block = made.html.split('id="table-monthly"')[1].split("</table>")[0]
    cells = re.findall(
        r'<td class="num heat (up|down|even)( marked)?" style="[^"]*">([^<]*)', block
    )
    monthly = made.backtest.monthly
    assert len(cells) == len(monthly)
    shown = [float(text.replace("\u2212", "-")) for _, _, text in cells]
    assert shown == pytest.approx((100 * monthly["return"]).tolist(), abs=0.0501)
    assert [bool(mark) for _, mark, _ in cells] == monthly["partial"].tolist()
    signs = {"up": 1, "down": -1, "even": 0}
    assert [signs[side] for side, _, _ in cells] == np.sign(monthly["return"]).tolist()


def luminance(colour: np.ndarray) -> float:
    """Of sRGB by WCAG 2.1."""
    part = colour / 255
    linear = np.where(part <= 0.03928, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_numbers_can_be_read_on_the_deepest_colours_of_both_themes(root: Path) -> None:
    css = (root / "eventstudy/report/templates/page.css").read_text(encoding="utf-8")
    share = float(re.findall(r"var\(--heat\) \* ([.\d]+)", css)[0])
    tints = [np.array(t.split(), dtype=float) for t in re.findall(r"--tint:([\d ]+)\}", css)]
    themes = re.findall(r"--ink:#(\w{6});.*?--paper:#(\w{3,6})[;}]", css)[:2]
    assert len(themes) == 2
    assert len(tints) == 3
    for ink, paper in themes:
        text, ground = (
            np.array([int(c[i : i + 2], 16) for i in (0, 2, 4)], dtype=float)
            for c in (ink, paper if len(paper) == 6 else "".join(2 * x for x in paper))
        )
        for tint in tints:
            light, dark = sorted(
                (luminance(text), luminance(share * tint + (1 - share) * ground)), reverse=True
            )
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_alpha_and_beta_stand_with_their_errors(made: Made) -> None:
    row = made.backtest.metrics.iloc[0]
    low, high = (row["alpha"] + sign * 1.96 * row["alpha_hac_se"] for sign in (-1, 1))
    said = f"(95% interval {100 * low:+.2f}% to {100 * high:+.2f}%), beta {row['beta']:.2f}"
    assert said.replace("-", "\u2212") in trading_lines(made.backtest)[0].replace("-", "\u2212")
    tables = trading_tables(made.backtest)
    heads = [label for label, _ in tables["downside"].columns]
    assert {"Sortino", "Calmar"} <= set(heads)
    found = tables["downside"].rows[0][heads.index("Sortino")]
    assert float(str(found).replace("\u2212", "-")) == pytest.approx(row["sortino"], abs=0.00501)


def test_attribution_shows_kind_side_and_ticker(made: Made) -> None:
    table = trading_tables(made.backtest)["attribution_by"]
    by = made.backtest.attribution_by
    assert len(table.rows) == by["by"].isin(["kind", "side", "ticker"]).sum()
    for way in ("kind", "side", "ticker"):
        shares = [
            float(str(row[8]).replace("\u2212", "-").rstrip("%"))
            for row in table.rows
            if row[1] == way
        ]
        assert sum(shares) == pytest.approx(100, abs=0.05)


def test_the_summary_keeps_to_one_screens_width(made: Made) -> None:
    assert max(map(len, made.backtest.summary().splitlines())) <= 110
    assert max(map(len, made.backtest.monthly_text().splitlines())) <= 110


def test_who_acts_before_the_news_and_who_traded_nothing_is_said(root: Path) -> None:
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    run = es.backtest(events, prices, ["asic-gpu-rotation", "pre-event-run-up"])
    lines = trading_lines(run)
    assert lines[1].startswith("pre-event-run-up: traded nothing; why stands in the table")
    said = "at the earliest, by pre-event-run-up before the news where its date was known, filled"
    assert said in lines[2]
    alone = es.backtest(events, prices, ["asic-gpu-rotation"])
    assert "at the earliest, filled on a later session" in trading_lines(alone)[1]
