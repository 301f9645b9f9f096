"""One kept run in a line, and one kept run at length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventstudy.disk import damage_of
from eventstudy.run.kept import KeptRun, fingerprint

if TYPE_CHECKING:
    import pandas as pd

PARTS = {
    "study": "study",
    "backtest": "backtest",
    "long_run": "long run",
    "designs": "calibration",
    "sweep": "sweep",
    "verdicts": "audit",
}


def whole_of(run: KeptRun, *, digests: bool = False) -> dict[str, object]:
    """Return whether a run's files are all there, as its manifest lists them.

    Parameters
    ----------
    run : KeptRun
    digests : bool
        Whether to compare the hash of each file, beyond its size.

    Returns
    -------
    dict
        ``whole``, and ``damage``: a line for each file that is not what it was.
    """
    damage = damage_of(run.folder, run.manifest, digests=digests)
    return {"whole": not damage, "damage": damage}


def overview_of(run: KeptRun) -> dict[str, Any]:
    """Return what tells a run from others, in plain values."""
    manifest = run.manifest
    asked, prices = _part(manifest, "configuration") or manifest, _part(manifest, "prices")
    headline = _part(manifest, "headline")
    return {
        "id": run.id,
        "started": manifest.get("started"),
        "wall_time": manifest.get("wall_time"),
        "what": [name for key, name in PARTS.items() if manifest.get(key)],
        "events": asked.get("events") if isinstance(asked.get("events"), str) else None,
        "prices": prices.get("source"),
        "model": _model(asked) if {"study", "designs"} & set(manifest) else [],
        "strategies": list(_part(_part(manifest, "backtest"), "strategies")),
        "effect": headline.get("effect"),
        "sharpe": _part(headline, "sharpe"),
        "verdicts": dict(_part(manifest, "verdicts")),
        **whole_of(run),
    }


def overview_frame(found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a run, for reading."""
    import pandas as pd

    rows = [
        {
            "run": one["id"],
            "started": one["started"] or "",
            "what": ", ".join(one["what"]) + verdict_words(one["verdicts"]),
            "events": one["events"] or "",
            "prices": one["prices"] or "",
            "model": ", ".join(one["model"]),
            "effect": effect_words(one["effect"]),
            "sharpe": sharpe_words(one["sharpe"]),
            "whole": "yes" if one["whole"] else "no",
        }
        for one in found
    ]
    return pd.DataFrame(rows)


def effect_words(effect: object) -> str:
    """Return the lead effect with its interval in words; empty where there is none."""
    if not isinstance(effect, Mapping) or effect.get("caar") is None:
        return ""
    text = f"{effect['group']} [{effect['window']}] {effect['caar']:+.2%}"
    if effect.get("lo") is not None and effect.get("hi") is not None:
        text += f" ({effect['lo']:+.2%} to {effect['hi']:+.2%})"
    return text


def sharpe_words(sharpe: Mapping[str, Any]) -> str:
    """Return the Sharpe ratios by strategy in words."""
    return ", ".join(f"{name} {'?' if v is None else f'{v:.2f}'}" for name, v in sharpe.items())


def verdict_words(verdicts: Mapping[str, str]) -> str:
    """Return how many strategies an audit found to be what; empty for another run."""
    counts = Counter(verdicts.values())
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    return f" ({told})" if told else ""


def lead_words(run: KeptRun) -> str:
    """Return the effect and the Sharpe ratios that a run leads with; empty without any."""
    one = overview_of(run)
    sharpe = sharpe_words(one["sharpe"])
    return "; ".join(filter(None, (effect_words(one["effect"]), sharpe and f"Sharpe {sharpe}")))


def swept(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sweep varied, and how many of its variants failed; empty for another run."""
    sweep = _part(manifest, "sweep")
    names = ("strategy", "parameters", "over", "random", "variants", "failed", "sessions")
    return {name: sweep[name] for name in names if name in sweep}


def shown_lines(run: KeptRun) -> list[str]:
    """Return all that the manifest says of a run, in lines."""
    manifest, one = run.manifest, overview_of(run)
    damage = damage_of(run.folder, manifest, digests=True)
    lines = [
        f"{run.id}: {', '.join(one['what']) or 'run'}",
        f"in {run.folder}, started {one['started'] or 'unknown'}, took "
        f"{one['wall_time'] if one['wall_time'] is not None else '?'} s",
        f"hash of configuration and inputs: {fingerprint(manifest)}",
        "whole: every file is as it was written" if not damage else "not whole:",
        *(f"  {line}" for line in damage),
        *_section("configuration", _part(manifest, "configuration")),
        *_section("sweep", swept(manifest)),
        *_section("verdicts", one["verdicts"]),
        *_inputs(manifest),
        *_section("versions", _part(manifest, "versions")),
    ]
    if effect_words(one["effect"]):
        lines += ["effect:", f"  {effect_words(one['effect'])}, {_sample(one['effect'])}"]
    lines += _section("sharpe", one["sharpe"])
    files = _part(manifest, "files")
    sizes = {name: f"{_part(files, name).get('bytes', '?')} bytes" for name in files}
    return lines + _section("files", sizes)


def _sample(effect: Mapping[str, Any]) -> str:
    return (
        f"{effect.get('n')} events on {effect.get('n_dates')} dates, alignment "
        f"{effect.get('alignment')}, model {effect.get('model')}"
    )


def _inputs(manifest: Mapping[str, Any]) -> list[str]:
    events, prices = _part(manifest, "events"), _part(manifest, "prices")
    strategies = _part(_part(manifest, "backtest"), "strategies")
    span = {
        "calendar": manifest.get("calendar"),
        "events": f"{events.get('rows')} rows, sha256 {events.get('sha256')}" if events else None,
        "prices": prices.get("source"),
        "span": f"{prices['first']} to {prices['last']}" if "first" in prices else None,
        **_part(prices, "tickers"),
        **{name: about.get("sha256") for name, about in strategies.items()},
    }
    return _section("inputs", {key: value for key, value in span.items() if value is not None})


def _section(title: str, values: Mapping[str, Any]) -> list[str]:
    """Return entries that say something, under a title; nothing where there are none."""
    lines = [f"  {key}: {_text(v)}" for key, v in values.items() if v not in (None, [], {}, "")]
    return [f"{title}:", *lines] if lines else []


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)


def _model(asked: Mapping[str, Any]) -> list[str]:
    model = asked.get("model")
    return [str(m) for m in model] if isinstance(model, list) else [str(model)] if model else []


def _part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}
