"""A group that is one under all alignments is tested once, with the numbers of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import eventstudy as es
from eventstudy.significance.contract import SignificanceTest
from eventstudy.study.effects import group_effects
from eventstudy.study.tables import samples
from eventstudy.windows import window_name

NAMES = ("cross_sectional", "kolari_pynnonen", "corrado", "cluster_bootstrap")


@pytest.fixture(scope="module")
def study(root):
    events = es.read_events(root / "events.csv")
    prices = es.load_prices(sorted(events.tickers | {"SPY"}), source="sample", missing="drop")
    return es.event_study(events, prices, window=[(0, 0), (2, 5)], tests=NAMES)


def test_every_row_is_that_of_its_own_sample(study) -> None:
    windows = study.config.frame.all_windows
    masks = study.config.frame.masks(windows)
    kept = study.group_tests.set_index(["group", "alignment", "model", "test", "window"])
    effects = study.effects.set_index(["group", "alignment", "model", "window"])
    checked = 0
    for alignment, model, group, sample in samples(study):
        alone = replace(sample)  # nothing computed before
        for test in study.tests_asked:
            found = test.evaluate(alone, masks).verdict
            for w, window in enumerate(windows):
                row = kept.loc[(group.name, alignment, model, test.name, window_name(window))]
                assert row["statistic"] == found.statistic[w] or np.isnan(found.statistic[w])
                assert row["p_value"] == found.two_sided[w] or np.isnan(found.two_sided[w])
                checked += 1
        own = group_effects(replace(sample), masks)
        names = [window_name(w) for w in windows]
        rows = effects.loc[[(group.name, alignment, model, name) for name in names]]
        np.testing.assert_array_equal(rows["se"], own.se)
    assert checked == len(kept)


def test_it_is_tested_once(study, monkeypatch) -> None:
    rows, asked = len(study.group_tests), []
    plain = SignificanceTest.evaluate
    monkeypatch.setattr(
        SignificanceTest,
        "evaluate",
        lambda self, sample, masks: asked.append(self.name) or plain(self, sample, masks),
    )
    # By hand from the observations: what each group holds under each alignment.
    held = {
        (tuple(g.rows[study.counted(g, a)]), tuple(g.signs[study.counted(g, a)]))
        for g in study.groups
        for a in study.alignments
        if study.counted(g, a).any()
    }
    again = replace(study)
    assert len(again.group_tests) == rows
    assert len(asked) == len(held) * len(NAMES)
    assert len(held) < sum(1 for _ in samples(study))
