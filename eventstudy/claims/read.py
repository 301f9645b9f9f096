"""Reading claims from a TOML file: every fault at once, with the nearest name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from eventstudy.claims.contract import Claim, Claims, Kind, Parameters
from eventstudy.claims.kinds import KINDS
from eventstudy.disk.text import toml_values
from eventstudy.errors import EventStudyError, Fault, InputError, UnknownNameError, did_you_mean

ARTICLE = "article"
"""Name of the claims that ship with the project."""

TOP = ("title", "source", "claims")
OWN = ("id", "text", "kind", "note", "not_identified")


def read_claims(source: str | Path, *, kinds: Mapping[str, Kind] | None = None) -> Claims:
    """Read the claims of an article.

    Parameters
    ----------
    source : str or Path
        A TOML file, or ``article`` for those of the December 2024 article.
    kinds : mapping of str to Kind, optional
        Kinds of your own beside those of `eventstudy.claims.KINDS`.

    Returns
    -------
    Claims

    Raises
    ------
    InputError
        With every fault of the file, or where it is no TOML.
    EventStudyError
        Where it cannot be read.
    """
    name, data = _bytes_of(source)
    values = toml_values(data, name)
    known = {**KINDS, **(kinds or {})}
    faults = _top_faults(name, values)
    made: list[Claim] = []
    given = values.get("claims")
    for number, item in enumerate(given if isinstance(given, list) else [], start=1):
        claim, wrong = _claim(name, number, item, known)
        faults += wrong
        made += [claim] if claim is not None else []
    faults += _repeated(name, given)
    if faults:
        raise InputError(faults)
    return Claims(
        str(values.get("title", "")),
        tuple(made),
        str(values.get("source", "")),
        Path(name).name,
        hashlib.sha256(data).hexdigest(),
    )


def _bytes_of(source: str | Path) -> tuple[str, bytes]:
    path = Path(source).expanduser()
    if source == ARTICLE and not path.is_file():
        return "article.toml", (files("eventstudy.claims") / "article.toml").read_bytes()
    try:
        return str(path), path.read_bytes()
    except FileNotFoundError:
        if isinstance(source, str) and path.name == source and not path.suffix:
            raise UnknownNameError("claims (or file of claims)", source, [ARTICLE]) from None
        raise EventStudyError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise EventStudyError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _top_faults(name: str, values: Mapping[str, Any]) -> list[Fault]:
    faults = [
        Fault(
            name, f"unknown key{did_you_mean(key, TOP)}; known: {', '.join(TOP)}",
            setting=f"key {key}",
        )
        for key in values
        if key not in TOP
    ]  # fmt: skip
    faults += [
        Fault(name, "must be text", value=str(values[key]), setting=f"key {key}")
        for key in ("title", "source")
        if not isinstance(values.get(key, ""), str)
    ]
    if not isinstance(values.get("claims"), list) or not values["claims"]:
        faults.append(Fault(name, "there is no claim: write one as [[claims]]"))
    return faults


def _repeated(name: str, given: object) -> list[Fault]:
    ids = (
        [str(c.get("id")) for c in given if isinstance(c, dict)] if isinstance(given, list) else []
    )
    twice = {i for i in ids if i != "None" and ids.count(i) > 1}
    return [Fault(name, "this id stands on several claims", value=i, setting="key id")
            for i in sorted(twice)]  # fmt: skip


def _claim(
    name: str, number: int, item: object, kinds: Mapping[str, Kind]
) -> tuple[Claim | None, list[Fault]]:
    """Return one claim, or its faults."""
    if not isinstance(item, dict):
        where = f"claim {number}"
        return None, [Fault(name, "a claim is a table: write [[claims]]", setting=where)]
    where = f"claim {number}" + (f" ({item['id']})" if isinstance(item.get("id"), str) else "")
    faults = _own_faults(name, where, item)
    kind = kinds.get(str(item.get("kind")))
    if kind is None:
        if isinstance(item.get("kind"), str):
            near = did_you_mean(item["kind"], kinds)
            faults.append(
                Fault(
                    name, f"unknown kind{near}; known: {', '.join(kinds)}", value=item["kind"],
                    setting=f"{where}, key kind",
                )
            )  # fmt: skip
        return None, faults
    try:
        asked = kind.parameters(**{k: v for k, v in item.items() if k not in OWN})
    except ValidationError as error:
        faults += [_fault(name, where, kind, e) for e in _own_errors(error.errors())]
        return None, faults
    return (None if faults else _made(item, kind, asked)), faults


def _made(item: Mapping[str, Any], kind: Kind, asked: Parameters) -> Claim:
    return Claim(
        item["id"], item["text"], kind, asked, item.get("note", ""),
        tuple(item.get("not_identified", ())),
    )  # fmt: skip


def _own_faults(name: str, where: str, item: Mapping[str, Any]) -> list[Fault]:
    faults = []
    for key in ("id", "text", "kind"):
        if key not in item:
            faults.append(Fault(name, "is missing", setting=f"{where}, key {key}"))
        elif not isinstance(item[key], str) or not item[key].strip():
            faults.append(
                Fault(name, "must be text", value=str(item[key]), setting=f"{where}, key {key}")
            )
    if not isinstance(item.get("note", ""), str):
        faults.append(Fault(name, "must be text", setting=f"{where}, key note"))
    open_ = item.get("not_identified", [])
    if not isinstance(open_, list) or not all(isinstance(line, str) for line in open_):
        faults.append(
            Fault(name, "must be a list of texts", setting=f"{where}, key not_identified")
        )
    return faults


def _own_errors(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return errors without lists that are too short only because their items are at fault."""
    inner = {e["loc"][:depth] for e in errors for depth in range(1, len(e["loc"]))}
    return [e for e in errors if e["type"] != "too_short" or e["loc"] not in inner]


def _fault(name: str, where: str, kind: Kind, error: Mapping[str, Any]) -> Fault:
    """Return what pydantic found in the words of the file."""
    loc = list(error["loc"])
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in loc)
    setting = f"{where}, key {key}" if key else where
    if error["type"] == "extra_forbidden":
        fields = _model_at(kind.parameters, loc[:-1]).model_fields
        given = [*fields, *(OWN if len(loc) == 1 else ())]
        near = did_you_mean(str(loc[-1]), given)
        known = ", ".join(fields)
        return Fault(name, f"unknown key of {kind.name}{near}; known: {known}", setting=setting)
    if error["type"] == "missing":
        return Fault(name, "is missing", setting=setting)
    if error["type"] == "too_short":
        least = error["ctx"]["min_length"]
        return Fault(name, f"needs at least {least}", setting=setting)
    value = error.get("input")
    shown = None if isinstance(value, dict | list) else str(value)
    return Fault(name, _worded(error, shown), value=shown, setting=setting)


def _worded(error: Mapping[str, Any], value: str | None) -> str:
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    if choices:
        return f"allowed are {', '.join(choices)}{did_you_mean(value or '', choices)}"
    text = str(error["msg"]).removeprefix("Value error, ")
    return text.replace("Input should be", "must be")


def _model_at(model: type[BaseModel], loc: list[Any]) -> type[BaseModel]:
    """Return the model that stands at a place inside a model."""
    for part in loc:
        if isinstance(part, int):
            continue
        found = _models_in(model.model_fields[part].annotation)
        model = found[0] if found else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]
