"""The page of a calibration: one file without scripts."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from eventstudy.calibration.figure import power_figure, size_figure
from eventstudy.calibration.wording import asked_lines, design_table, recommendation_lines
from eventstudy.windows import window_name

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.calibration.result import CalibrationResult

# The colours of Okabe and Ito, as in the report; each with a lighter twin for the dark page.
STYLE = """
:root { --ink:#1c2430; --muted:#5b6675; --grid:#d9dfe7; --paper:#fff; --c0:#0072b2;
  --c1:#d55e00; --c2:#00845f; --c3:#a6528a; --c4:#c98500; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ecf2; --muted:#9aa7b8; --grid:#2c3542;
  --paper:#12171f; --c0:#58b4ec; --c1:#ff8f4a; --c2:#3ccba0; --c3:#dd8fc2; --c4:#f2b53a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } svg { max-width: none; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .axis { fill: var(--muted); font-size: 11px; text-anchor: middle; }
svg .end { text-anchor: end; } svg .head { font-weight: 600; }
.band { fill: var(--c0); opacity: .13; } .nominal { stroke: var(--c0); stroke-dasharray: 3 3; }
.tick { stroke: var(--grid); } .reach { stroke-width: 2; }
.holds { fill: var(--c0); stroke: var(--c0); } .over { fill: var(--c1); stroke: var(--c1); }
.under { fill: var(--c3); stroke: var(--c3); }
.unsure { fill: var(--muted); stroke: var(--muted); }
.curve { fill: none; stroke-width: 2; } .c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); }
.c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
.c4 { stroke: var(--c4); } .dashed { stroke-dasharray: 6 3; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; }
td.over-rejects { color: var(--c1); font-weight: 600; } td.under-rejects { color: var(--c3); }
"""
_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def calibration_html(result: CalibrationResult) -> str:
    """Return the page: what was asked, what to use, figures and tables."""
    frame = result.summary_frame()
    windows = [window_name(window) for window in result.windows]
    body = ["<h1>Size and power of the tests on these prices</h1>"]
    body += [f"<p>{escape(line.strip())}</p>" for line in asked_lines(result)]
    body.append("<h2>What to use</h2>")
    said = (*recommendation_lines(result), *result.notes)
    body.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in said) + "</ul>")
    for window in windows:
        body.append(f"<h2>Window [{window}]</h2>")
        body.append(
            "<p>Share of samples in which a test rejects at 5% although nothing happened, with "
            "its 99% Monte Carlo interval. The band is where a test holds its size. A dot holds, "
            "a square does not or cannot be said, an arrow lies beyond the edge.</p>"
        )
        body.append(f'<div class="wide">{size_figure(result, window)}</div>')
        if result.ranked_at:
            body.append(
                "<p>Share of samples in which a test finds an effect planted at session 0, or on "
                "the first day of a window without it: the most powerful of the tests that hold "
                "their size.</p>"
            )
            body.append(f'<div class="wide">{power_figure(result, window)}</div>')
        for design in result.designs:
            part = frame[(frame["design"] == design.name) & (frame["window"] == window)]
            body.append(f"<h3>{escape(design.name)}</h3>")
            body.append(f'<div class="wide">{_table(part)}</div>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Size and power of the tests</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _table(part: pd.DataFrame) -> str:
    shown = design_table(part)
    head = "".join(f"<th>{escape(str(name))}</th>" for name in shown.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{escape(str(value).replace(" ", "-"))}">{escape(str(value))}</td>'
            if name == "size"
            else f"<td>{escape(str(value))}</td>"
            for name, value in row.items()
        )
        + "</tr>"
        for _, row in shown.iterrows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
