"""A calibration in words and plain tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventstudy.calibration.rates import BAND, CONFIDENCE, HOLDS

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.calibration.result import CalibrationResult
    from eventstudy.told import Told


def told(result: CalibrationResult) -> Told:
    """Return designs, the table of sizes and powers, and the recommendation."""
    frame = result.summary_frame()
    lines: list[str | pd.DataFrame] = [*asked_lines(result), ""]
    for design in result.designs:
        for window in dict.fromkeys(frame["window"]):
            part = frame[(frame["design"] == design.name) & (frame["window"] == window)]
            lines += [
                f"{design.name}, window [{window}]",
                design_table(part),
                "",
            ]
    return [*lines, *recommendation_lines(result), *result.notes]


def asked_lines(result: CalibrationResult) -> list[str]:
    """Return what was asked, and how a verdict is reached."""
    config = result.config
    low, high = (f"{5 * multiple:g}%" for multiple in BAND)
    return [
        f"Size and power of {len(result.tests)} tests, {config['model']} model, "
        f"{config['securities']} securities, {config['sessions']} sessions from "
        f"{config['first']} to {config['last']}.",
        f"Rejected at 5%, two-sided: rate and its {CONFIDENCE:.0%} Monte Carlo interval over "
        f"{config['samples']} random samples ({config['resampling_samples']} for tests that "
        f"resample). A test holds where that interval meets [{low}, {high}], or the same "
        "multiples of the size that a discrete test can attain.",
        *(f"  {design.name}: {design.what}." for design in result.designs),
    ]


def recommendation_lines(result: CalibrationResult) -> list[str]:
    """Return which tests to use, by design and over all, and of which it cannot be told."""
    lines = []
    by = f", by power at {100 * result.ranked_at:g}%" if result.ranked_at else ""
    for design in result.designs:
        names = result.recommended_for(design.name)
        lines += _recommended(result, f"Hold their size in {design.name}{by}", names, design.name)
    if len(result.designs) > 1:
        every = [design.name for design in result.designs]
        lines += _recommended(result, f"Hold in every design{by}", result.recommended, *every)
    return lines


def _recommended(
    result: CalibrationResult, what: str, names: tuple[str, ...], *designs: str
) -> list[str]:
    """Return the tests that hold; none that is known to differs from none."""
    few, often = result.cannot_say(*designs)
    none = "none for certain" if few or often else "none"
    if len(designs) > 1 and not (few or often):
        none += "; choose by the design that is yours"
    lines = [f"{what}: {', '.join(names) or none}."]
    if few:
        lines.append(
            f"  Cannot be told with so few samples ({_samples(result)}): {', '.join(few)}; ask for "
            "more."
        )
    if often:
        lines.append(
            f"  Cannot be told, having no value in more than half of the samples: "
            f"{', '.join(often)}."
        )
    return lines


def _samples(result: CalibrationResult) -> str:
    config = result.config
    plain, resampling = config["samples"], config["resampling_samples"]
    return f"{plain}" if plain == resampling else f"{plain}, {resampling} for tests that resample"


def design_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the sizes and powers of one design and window as texts.

    Power of a test that does not hold its size stands in parentheses.
    """
    import pandas as pd

    shown = pd.DataFrame({"test": frame["test"]})
    shown["rejected"] = [_percent(rate) for rate in frame["rate"]]
    shown["99% interval"] = [
        f"[{_percent(lo)}, {_percent(hi)}]" if np.isfinite(lo) else "-"
        for lo, hi in zip(frame["lo"], frame["hi"], strict=True)
    ]
    shown["attainable"] = [_percent(level) for level in frame["attainable"]]
    shown["undefined"] = ["" if u == 0 else f"{u:.0%}" for u in frame["undefined"]]
    shown["size"] = list(frame["verdict"])
    for column in frame.columns:
        if column.startswith("power_"):
            name = f"power at {column.removeprefix('power_')}"
            shown[name] = [
                _percent(rate) if verdict == HOLDS or not np.isfinite(rate) else f"({rate:.1%})"
                for rate, verdict in zip(frame[column], frame["verdict"], strict=True)
            ]
    return shown


def _percent(share: float) -> str:
    return f"{share:.1%}" if np.isfinite(share) else "-"
