"""event_study with engine streamed: the tables of the whole engine, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import eventstudy as es
from eventstudy.cli import main
from eventstudy.errors import StudyError, UnknownNameError
from eventstudy.streaming.verdicts import STREAMED

KEYS = ["group", "alignment", "model", "window", "test"]
PER_EVENT = ["event_id", "ticker", "alignment", "model"]


def plain_events(root: Path) -> es.EventCalendar:
    """Return the shipped events that list securities."""
    frame = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    frame = frame[~frame["tickers"].str.contains("@")].assign(expects="")
    return es.read_events(frame)


def table(study, name: str, key: list[str]) -> pd.DataFrame:
    found = study.read(name).to_pandas()
    labels = found.select_dtypes("category").columns
    return found.astype(dict.fromkeys(labels, "str")).set_index(key).sort_index()


def alike(ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str]) -> None:
    assert ours.index.equals(theirs.index)
    for name in columns:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12, err_msg=name)


def both(events, prices, folder: Path, **asked) -> tuple[es.StudyResult, es.LargeStudy]:
    asked = {"observed": [], **asked}
    whole = es.event_study(events, prices, tests=list(STREAMED), **asked)
    streamed = es.event_study(
        events, prices, engine="streamed", out=folder, tables=("cars", "abnormal"), **asked
    )
    return whole, streamed


def same_tables(whole: es.StudyResult, streamed: es.LargeStudy) -> None:
    tests, theirs = streamed.group_tests.set_index(KEYS), whole.group_tests.set_index(KEYS)
    assert set(tests.index) == set(theirs.index)
    tests = tests.loc[theirs.index]
    alike(tests, theirs, ["statistic", "p_value", "p_greater", "p_less", "n", "n_dates"])
    for name in ("convention", "distribution", "caveat"):
        assert tests[name].tolist() == theirs[name].tolist()
    effects = streamed.effects.set_index(KEYS[:4]).loc[whole.effects.set_index(KEYS[:4]).index]
    alike(
        effects,
        whole.effects.set_index(KEYS[:4]),
        ["n", "n_dates", "caar", "se", "lo", "hi", "mde"],
    )
    many = whole.paths.set_index(KEYS[:4])
    assert len(many) == len(streamed.paths)
    paths = streamed.paths.set_index(KEYS[:4]).loc[many.index]
    alike(paths, many, ["day", "n", "n_dates", "caar", "se", "lo", "hi", "mde"])
    cars = whole.cars.set_index([*PER_EVENT, "window"]).sort_index()
    numbers = ["car", "se", "t", "p_value", "n_estimation", "alpha", "beta", "sigma", "bhar"]
    alike(table(streamed, "cars", [*PER_EVENT, "window"]), cars, numbers)
    abnormal = whole.abnormal.set_index([*PER_EVENT, "day"]).sort_index()
    found = table(streamed, "abnormal", [*PER_EVENT, "day"])
    alike(found, abnormal, ["ar", "ar_se", "car"])
    assert (found["date"] == abnormal["date"]).all()
    for name in ("dropped", "merged"):
        ours, theirs = getattr(streamed, name), getattr(whole, name)
        rows = [sorted(map(tuple, told(frame).to_numpy())) for frame in (ours, theirs)]
        assert rows[0] == rows[1]


def told(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of losses; of overlaps only which, for their words differ."""
    frame = frame.astype(str)
    frame.loc[frame["reason"] == "overlap", "detail"] = ""
    return frame.drop_duplicates()


@pytest.mark.parametrize(
    "asked",
    [
        {"window": [(-1, 1), (0, 0), (2, 10)]},
        {"window": [(-5, 5)], "model": ["mean", "market-adjusted"], "convention": "sum_sar"},
        {"window": [(0, 1)], "estimation_excludes": "own_events", "observed": ["NVDA", "SPY"]},
        {"window": [(0, 3)], "returns": "log", "min_estimation": 60},
        {"window": [(0, 0)], "model": ["adjusted:NVDA", "industry:NVDA"]},
        {"window": [(-3, 6)], "overlap": "drop", "observed": ["NVDA"]},
        {"window": [(-3, 6)], "overlap": "keep-first", "observed": ["NVDA"]},
    ],
    ids=["market", "means", "own-events", "log", "reference", "drop", "keep-first"],
)
def test_tables_are_those_of_the_whole_engine(root: Path, tmp_path: Path, asked) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    whole, streamed = both(events, prices, tmp_path, **asked)
    if "estimation_excludes" in asked:  # the benchmark has no variance about itself
        assert "no_variance" in set(streamed.dropped["reason"])
    same_tables(whole, streamed)


@pytest.mark.vendor
def test_tables_are_those_of_the_whole_engine_on_vendor_quotes(
    root: Path, vendor: Path, tmp_path: Path
) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source=str(vendor))
    whole, streamed = both(events, prices, tmp_path, window=[(-1, 1), (2, 10)])
    assert streamed.observed == len(whole.observations) > 200
    assert len(streamed.alignments) == 3
    same_tables(whole, streamed)
    asked = {"window": [(-2, 5)], "overlap": "keep-first", "observed": ["NVDA"]}
    whole, streamed = both(events, prices, tmp_path, **asked)
    assert (streamed.dropped["reason"] == "overlap").sum() > 20
    same_tables(whole, streamed)


def test_factor_models_are_those_of_the_whole_engine(root: Path, tmp_path: Path) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    rng = np.random.default_rng(8)
    names = ["mkt_rf", "smb", "hml", "rmw", "cma", "mom"]
    values = pd.DataFrame(rng.normal(0, 0.7, (len(prices.dates), 6)), columns=names)
    values["rf"] = 0.01
    values.insert(0, "date", prices.dates.astype(str))
    values.to_csv(tmp_path / "factors.csv", index=False)
    factors = es.load_factors(tmp_path / "factors.csv", units="percent")
    asked = {"window": [(-1, 1)], "model": ["capm", "ff3", "ff5-mom"], "factors": factors}
    same_tables(*both(events, prices, tmp_path / "out", **asked))


def test_the_summary_reads_like_the_other_ones(root: Path) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    study = es.event_study(events, prices, window=[(0, 0)], engine="streamed")
    text = str(study)
    assert text.startswith("Event study of 14 events on 14 dates, windows [0,0], model market")
    assert "left out; each with its reason in dropped" in text
    assert "p-values over groups" in text
    assert repr(study).startswith("LargeStudy(")
    assert "<table" in study._repr_html_()
    assert study.manifest()["study"]["windows"] == ["0,0"]
    with pytest.raises(StudyError, match="cars was not written: give a folder with out="):
        study.read()


def test_what_the_engine_has_not_is_told_at_once(root: Path) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    with pytest.raises(StudyError) as caught:
        es.event_study(
            events, prices, engine="streamed", model=["robust", "market", "adjusted:@GPU"],
            tests=["bmp", "placebo"], overlap="joint",
        )  # fmt: skip
    for said in ("models robust, adjusted:@GPU", "tests placebo", "overlap joint"):
        assert said in str(caught.value)
    rows = {"event_id": ["a", "b"], "date": "2024-10-01", "session": "pre"}
    baskets = es.read_events(pd.DataFrame(rows | {"tickers": ["NVDA", "NVDA;@ASIC"]}))
    with pytest.raises(
        StudyError, match="models robust.*baskets are listed by b and observed holds @GPU"
    ):
        es.event_study(baskets, prices, engine="streamed", observed=["@GPU"], model="robust")
    with pytest.raises(UnknownNameError, match="unknown engine 'streamd'"):
        es.event_study(events, prices, engine="streamd")
    with pytest.raises(UnknownNameError, match="table of single events"):
        es.event_study(events, prices, engine="streamed", tables=["car"])
    with pytest.raises(StudyError, match="out, jobs: only engine streamed"):
        es.event_study(events, prices, out="x", jobs=2)


def test_nothing_left_and_strict_say_why(root: Path) -> None:
    events = plain_events(root)
    prices = es.load_prices(events.tickers | {"SPY"}, source="sample")
    with pytest.raises(StudyError, match=r"no event is left to study:\n  .*out_of_span"):
        es.event_study(events, prices, engine="streamed", estimation=900, min_estimation=800)
    with pytest.raises(StudyError, match=r"strict: something was left out:\n(.*\n)+  \.\.\. and"):
        es.event_study(events, prices, engine="streamed", strict=True)


def test_a_model_of_ones_own_that_changes_the_fit_has_no_recipe() -> None:
    from eventstudy.models.contract import recipe_of
    from eventstudy.models.market import MarketModel

    class Same(MarketModel):
        name = "same"

    class Other(MarketModel):
        name = "other"

        def design(self, market):
            return super().design(market**2)

    assert recipe_of(Same()) == MarketModel.recipe
    assert recipe_of(Other()) is None


def test_the_command_writes_tables_and_parts(root: Path, tmp_path: Path, capsys) -> None:
    events = pd.read_csv(root / "events.csv", dtype=str, keep_default_na=False)
    events = events[~events["tickers"].str.contains("@")].assign(expects="")
    events.to_csv(tmp_path / "events.csv", index=False)
    asked = [
        "study", str(tmp_path / "events.csv"), "--prices", "sample", "--engine", "streamed",
        "--out", str(tmp_path / "out"), "--format", "parquet",
    ]  # fmt: skip
    assert main(asked) == 0
    out, _ = capsys.readouterr()
    assert "7 files and folders in" in out
    tests = pd.read_parquet(tmp_path / "out" / "tests.parquet")
    assert set(tests["test"]) == set(STREAMED)
    cars = pd.read_parquet(tmp_path / "out" / "cars")
    assert len(cars) > 20
    (tmp_path / "out" / "mine").mkdir()
    assert main([*asked, "--json", "--each", "abnormal"]) == 0
    assert '"no_prices"' in capsys.readouterr().out
    # A table of the earlier run would be none of this one's.
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert folders == {"abnormal", "mine"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--engine", "streamed", "--horizon", "1,20"], "--horizon: engine streamed has no such"),
        (["--engine", "streamed", "--runs", "x"], "no --runs"),
        (["--cluster", "tcp://h:1"], "--cluster: only with --engine streamed"),
        (["--engine", "fast"], "--engine: 'fast': allowed are whole, streamed"),
    ],
)
def test_the_command_refuses_what_does_not_go_together(
    root: Path, tmp_path: Path, capsys, monkeypatch, more, said
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["study", str(root / "events.csv"), "--prices", "sample", *more]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_run_with_trades_has_no_such_engine(root: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "study.toml").write_text('engine = "streamed"\nprices = "sample"\n')
    code = main(["run", str(root / "events.csv"), "--config", str(tmp_path / "study.toml"),
                 "--out", str(tmp_path / "out")])  # fmt: skip
    assert code == 2
    assert "take eventstudy study for it" in capsys.readouterr().err
