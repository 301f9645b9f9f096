"""What a run was asked to do: study.toml and flags, checked together, flags winning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, field_validator

from eventstudy.baskets import DEFAULT_BASKETS, Baskets, make_baskets
from eventstudy.disk.text import toml_row, toml_values
from eventstudy.errors import EventStudyError, Fault, InputError, did_you_mean
from eventstudy.windows import parse_window

# Strict: a whole number is a number, while true or "1" is a mistake.
BasisPoints = Annotated[float, Field(ge=0, le=10_000, strict=True)]
YearlyBasisPoints = Annotated[float, Field(ge=0, le=100_000, strict=True)]
Multiple = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]


class CostSettings(BaseModel):
    """Costs of trading; see `eventstudy.backtest.Costs`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    commission_bp: BasisPoints = 1.0
    half_spread_bp: BasisPoints = 2.0
    borrow_bp: YearlyBasisPoints = 50.0
    day_count: Literal[360, 365] = 360
    borrow: dict[str, YearlyBasisPoints] = Field(default_factory=dict)
    rebate: Share = 0.0
    debit_bp: YearlyBasisPoints = 100.0
    impact: float = Field(0.0, ge=0, le=100, strict=True)


class LimitSettings(BaseModel):
    """Limits of exposure, cash and margin; see `eventstudy.backtest.Limits`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gross: Multiple = 2.0
    net: Multiple = 1.0
    single: Multiple = 1.0
    cash: StrictBool = True
    initial: Share = 0.5
    maintenance_long: Share = 0.25
    maintenance_short: Share = 0.30


class RunConfig(BaseModel):
    """Everything that a run can be asked; the keys of study.toml and the flags.

    Paths in study.toml are taken from the file's own folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: str | None = None
    prices: str | None = None
    calendar: str = "XNYS"
    start: str | None = None
    end: str | None = None
    missing: Literal["error", "drop"] | None = None
    model: tuple[str, ...] = ("market",)
    benchmark: str | None = "SPY"
    estimation: int = 250
    gap: int = 10
    min_estimation: int = 100
    window: tuple[str, ...] = ("-1,1",)
    observed: tuple[str, ...] | None = None
    convention: str = "scar"
    test: tuple[str, ...] | None = None
    returns: Literal["simple", "log"] = "simple"
    engine: Literal["whole", "streamed"] = "whole"
    overlap: Literal["keep", "drop", "keep-first", "joint"] = "keep"
    estimation_excludes: Literal["none", "own_events"] = "none"
    donors: tuple[str, ...] | None = None
    factors: str | None = None
    factor_units: Literal["percent", "decimal"] | None = None
    horizon: tuple[str, ...] | None = None
    matched: tuple[str, ...] | None = None
    rebalance: Literal["never", "session"] = "never"
    weights: tuple[Literal["equal", "value", "dollar_volume"], ...] = ("equal",)
    caps: str | None = None
    min_firms: int = Field(1, ge=1)
    lags: int | None = Field(None, ge=0)
    horizon_overlap: Literal["keep", "drop", "keep-first"] | None = None
    baskets: dict[str, list[str] | dict[str, float]] = Field(default_factory=dict)
    assume_known: dict[str, str | int] = Field(default_factory=dict)
    strategy: tuple[str, ...] | None = None
    strategies: str | None = None
    capital: float = Field(1_000_000.0, gt=0, allow_inf_nan=False)
    risk_free: float | None = Field(None, ge=-0.05, le=1.0, allow_inf_nan=False)
    costs: CostSettings = Field(default_factory=CostSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    shortable: dict[str, StrictBool] = Field(default_factory=dict)
    variants: int | None = Field(None, ge=1)
    placebo_draws: int = Field(999, ge=1, le=1_000_000)
    case: str | None = None
    claims: str | None = None
    seed: int = Field(0, ge=0)
    strict: bool = False

    @field_validator("start", "end", mode="before")
    @classmethod
    def _plain_day(cls, given: object) -> object:
        """Take a date of TOML as its text; text must be a date."""
        if isinstance(given, date):
            return given.isoformat()[:10]
        if isinstance(given, str):
            try:
                date.fromisoformat(given)
            except ValueError:
                raise ValueError("write a date as YYYY-MM-DD") from None
        return given

    @field_validator("window")
    @classmethod
    def _sound_windows(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for text in given:
            try:
                parse_window(text)
            except EventStudyError as error:
                raise ValueError(str(error)) from None
        return given

    @field_validator("baskets")
    @classmethod
    def _sound_baskets(cls, given: dict[str, Any]) -> dict[str, Any]:
        try:
            make_baskets(given)
        except EventStudyError as error:
            raise ValueError(str(error)) from None
        return given

    @field_validator("assume_known")
    @classmethod
    def _whole_days(cls, given: dict[str, str | int]) -> dict[str, str | int]:
        for kind, value in given.items():
            _days_in(kind, value)
        return given

    def all_baskets(self) -> Baskets:
        """Return the default baskets with those of the configuration."""
        return DEFAULT_BASKETS.with_baskets(self.baskets)

    def known_days(self) -> dict[str, int] | None:
        """Return `assume_known` in days by kind of event."""
        return {kind: _days_in(kind, value) for kind, value in self.assume_known.items()} or None


def _days_in(kind: str, value: str | int) -> int:
    """Return a number of days that was written as ``14`` or ``14d``."""
    if not re.fullmatch(r"[0-9]{1,6}d?", str(value)):
        raise ValueError(f"assume-known {kind}={value}: write a number of days, such as {kind}=14d")
    return int(str(value).removesuffix("d"))


TABLES: Mapping[str, type[BaseModel]] = {"costs": CostSettings, "limits": LimitSettings}
PATHS = ("events", "strategies", "factors", "caps", "claims")
NO_PATHS = ("french", "article")
"""Names that stand where a path could."""
LISTS = (
    "model", "window", "observed", "strategy", "test", "donors", "horizon", "matched", "weights",
)  # fmt: skip
LONG_RUN = (
    "matched", "rebalance", "weights", "caps", "min_firms", "lags", "horizon_overlap",
)  # fmt: skip
"""What says nothing without a horizon."""


def read_config(path: str | None, flags: Mapping[str, Any]) -> RunConfig:
    """Read study.toml, let flags win, and check the whole at once.

    Parameters
    ----------
    path : str or None
        A study.toml.
    flags : mapping
        Values given on the command line; None and empty lists were not given.

    Raises
    ------
    InputError
        With every fault: unknown keys, wrong types, values out of range.
    """
    values = _read_toml(Path(path)) if path else {}
    given = {k: v for k, v in flags.items() if v is not None and v != [] and v != {}}
    merged = {**values, **given}
    if isinstance(values.get("costs"), dict) and "costs" in given:
        merged["costs"] = {**values["costs"], **given["costs"]}
    if merged.get("benchmark") in ("", "none"):
        merged["benchmark"] = None
    for name in LISTS:
        if isinstance(merged.get(name), str):
            merged[name] = [merged[name]]
    try:
        return RunConfig(**merged)
    except ValidationError as error:
        faults = [_fault(path, given, e) for e in error.errors()]
        raise InputError([_with_row(path, f) for f in faults]) from None


def _with_row(path: str | None, fault: Fault) -> Fault:
    """Return a fault of a key of the file with the row on which the key stands."""
    if path is None or fault.setting is None or not fault.setting.startswith("key "):
        return fault
    keys = fault.setting.removeprefix("key ").split(".")
    return replace(fault, row=toml_row(Path(path).read_bytes(), keys))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        near = did_you_mean(path.name, _names_in(path.parent))
        raise EventStudyError(f"{path}: there is no such file{near}") from None
    except (OSError, ValueError) as error:
        raise EventStudyError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    values = toml_values(data, str(path))
    for name in PATHS:
        if isinstance(values.get(name), str) and values[name] not in NO_PATHS:
            values[name] = str(path.parent / values[name])
    prices = values.get("prices")
    if isinstance(prices, str) and prices not in ("sample", "yahoo"):
        from eventstudy.prices.address import beside

        values["prices"] = beside(path.parent, prices)
    return values


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if entry.suffix == ".toml"]
    except OSError:
        return []


def _fault(path: str | None, flags: Mapping[str, Any], error: Mapping[str, Any]) -> Fault:
    """Return a fault under the name by which the user gave it: a flag or a key of the file."""
    key, name = ".".join(str(part) for part in error["loc"]), _setting(error["loc"])
    # A key that nobody knows can only stand in the file: flags have been read before.
    if error["type"] == "extra_forbidden":
        table = key.rpartition(".")[0]
        name = key.rpartition(".")[2]
        known = TABLES.get(table, RunConfig).model_fields
        problem = f"unknown key{did_you_mean(name, known)}; known: {', '.join(known)}"
        return Fault(path or "", problem, setting=f"key {key}")
    value = None if isinstance(error.get("input"), dict | list | tuple) else str(error.get("input"))
    choices = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    near = did_you_mean(value or "", choices) if choices else ""
    problem = f"allowed are {', '.join(choices)}{near}" if choices else _worded(error)
    by_flag = path is None or name in flags or name in flags.get("costs", {})
    if by_flag:
        flag = f"--{name.replace('_', '-')}"
        return Fault("command line", problem, value=value, setting=flag)
    return Fault(path or "", problem, value=value, setting=f"key {key}")


def _worded(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return text.replace("Input should be", "must be")


def _setting(loc: Sequence[str | int]) -> str:
    """Return the setting that a place in the configuration belongs to."""
    return str(loc[1] if loc[0] == "costs" and len(loc) > 1 else loc[0])
