"""A study, a backtest or both as a document: the report's own tables, figures and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from eventstudy.claims.verdicts import RULE
from eventstudy.exports.contract import Noted, Section
from eventstudy.exports.frames import frames_of
from eventstudy.exports.paper import paper_tables
from eventstudy.letters import unquoted
from eventstudy.report import figures as drawn
from eventstudy.report import robustness, study_tables, words
from eventstudy.report.activity import activity_table, bhar_table, calendar_time_table
from eventstudy.report.case import Case, make_case
from eventstudy.report.claims import claim_cards, claims_table
from eventstudy.report.lead import (
    case_event,
    headline_alignment,
    lead_group,
    model_names,
    window_names,
)
from eventstudy.report.luck import luck_lines, luck_tables
from eventstudy.report.tables import Table
from eventstudy.report.trading import trading_lines, trading_tables
from eventstudy.report.words import Conclusion

if TYPE_CHECKING:
    import pandas as pd

    from eventstudy.activity import ActivityResult
    from eventstudy.backtest import BacktestResult
    from eventstudy.claims import ClaimsResult
    from eventstudy.longrun import LongRunResult
    from eventstudy.report.figures import Figure
    from eventstudy.study import StudyResult

FIGURES = (
    "lead-baskets", "lead-directional", "event-paths", "noise", "kind", "effects", "power",
    "forest", "heatmap", "size", "prices", "equity", "placebo",
)  # fmt: skip
"""Names of all figures that there may be."""


@dataclass(frozen=True)
class StudyDocument:
    """What the report says, for other formats.

    Attributes
    ----------
    study : StudyResult or None
    backtest : BacktestResult or None
        One of the two at least.
    activity : tuple of ActivityResult
    long_run : LongRunResult or None
    claims : ClaimsResult or None
    heading : str or None
        Title, instead of the one made from the results.
    event : str or None
        Of the case section; see `eventstudy.report.render_html`.
    """

    study: StudyResult | None
    backtest: BacktestResult | None = None
    activity: tuple[ActivityResult, ...] = ()
    long_run: LongRunResult | None = None
    claims: ClaimsResult | None = None
    heading: str | None = None
    event: str | None = None
    stem: str = "report"

    @cached_property
    def title(self) -> str:
        """Title, one line."""
        if self.heading:
            return self.heading
        if self.study is None:
            return "A backtest around events"
        lead = self.study.config.lead
        if lead is None:
            return "Event study"
        long, short = lead.removesuffix(":ex").split("-")
        return f"{long[1:]} against {short[1:]}: an event study"

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """What was asked."""
        from eventstudy.study.wording import asked_lines

        if self.study is not None:
            return (words.question(self.study), *asked_lines(self.study))
        config = self._traded.config
        names = ", ".join(config["strategies"])
        return (
            f"Strategies {names} around events, {config['start']} to {config['end']}, "
            f"benchmark {config['benchmark']}",
        )

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What goes with every number."""
        if self.study is not None:
            return tuple(words.cautions(self.study))
        return tuple(self._traded.alarms())

    @property
    def _traded(self) -> BacktestResult:
        if self.backtest is None:
            raise ValueError("a document of neither a study nor a backtest")
        return self.backtest

    @cached_property
    def paper(self) -> tuple[Noted, ...]:
        """Tables for a paper."""
        return () if self.study is None else paper_tables(self.study)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Everything, in the order in which it is read."""
        found = [] if self.study is None else _of_study(self.study, self.paper, self._case)
        if self.study is not None:
            prices = drawn.price_figure(self.study, self.backtest, self._case.event.event_id)
            found.append(_of_inputs(self.study, prices))
        if self.claims is not None:
            found.append(_of_claims(self.claims))
        if self.activity:
            parts = tuple(activity_table(result) for result in self.activity)
            found.append(Section("Volume and variance", (), parts))
        if self.long_run is not None:
            found.append(_of_long_run(self.long_run))
        if self.backtest is not None:
            found += _of_backtest(self.backtest)
        return tuple(replace(s, lines=tuple(map(unquoted, s.lines))) for s in found)

    @cached_property
    def _case(self) -> Case:
        if self.study is None:
            raise ValueError("a document without a study has no case")
        return make_case(self.study, case_event(self.study, self.event))

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Figures, in the order of the sections."""
        return tuple(figure for section in self.sections for figure in section.figures)

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """All numbers, by name of the file that holds them."""
        found = frames_of(self.study, self.backtest, self.activity, self.long_run, self.claims)
        return found if self.study is None else {"summary": self.study.summary_frame(), **found}

    @cached_property
    def texts(self) -> tuple[Table, ...]:
        """Tables of words that no frame holds."""
        if self.study is None:
            return ()
        return (
            study_tables.group_meanings(self.study),
            study_tables.calendar_table(self.study),
            study_tables.coincidence_table(self.study),
            study_tables.methods_table(self.study),
            study_tables.price_table(self.study),
            study_tables.warning_table(self.study),
        )


def _of_study(study: StudyResult, paper: tuple[Noted, ...], case: Case) -> list[Section]:
    event, window = case.event.event_id, window_names(study)[0]
    labels = dict.fromkeys(conclusion.head.split(",")[0] for conclusion in case.conclusions)
    rows = [
        i
        for label in labels
        for i, o in enumerate(study.observations)
        if (o.reading.event.event_id, o.label) == (event, label)
    ]
    model, alignment = model_names(study)[0], headline_alignment(study)
    singles = (drawn.noise_figure(study, rows, window), drawn.kind_figure(study, rows, window))
    return [
        Section(
            "What was found",
            (*words.sample_lines(study), *_told(words.conclusions(study))),
            paper,
            _drawn(
                *drawn.path_figures(study), drawn.effects_figure(study), drawn.power_figure(study)
            ),
        ),
        Section(
            f"The case: {event}",
            (*_told(case.conclusions), *case.reading, *case.not_identified),
            (study_tables.case_table(case),),
            _drawn(drawn.event_figure(study, event), *singles),
        ),
        Section(
            "All groups and tests",
            (),
            (
                study_tables.effects_table(study),
                study_tables.group_meanings(study),
                study_tables.lead_tests_table(study, lead_group(study), alignment, model),
                study_tables.methods_table(study),
            ),
            _drawn(
                drawn.heatmap_figure(study),
                drawn.forest_figure(study, event),
                drawn.size_figure(study),
            ),
        ),
        Section(
            "How much hangs on choices",
            (
                robustness.multiple_line(study),
                *words.reading_lines(study),
                *robustness.readings_that_matter(study),
                *robustness.identification_lines(study),
            ),
            (
                robustness.sensitivity_table(study),
                robustness.multiple_table(study),
                robustness.survivors_table(study),
            ),
        ),
    ]


def _drawn(*figures: Figure | None) -> tuple[Figure, ...]:
    return tuple(figure for figure in figures if figure is not None)


def _of_claims(result: ClaimsResult) -> Section:
    lines = [
        f"{c.id}. {c.text} {c.verdict.text[:1].upper()}{c.verdict.text[1:]}: {c.reason}."
        + (f" Not identified: {'; '.join(c.not_identified)}." if c.not_identified else "")
        for c in claim_cards(result)
    ]
    return Section("The claims, one by one", (RULE, *lines), (claims_table(result),))


def _told(conclusions: tuple[Conclusion, ...] | list[Conclusion]) -> list[str]:
    """Return each conclusion with its verdict and what it rests on."""
    return [" ".join((f"{c.head}: {c.verdict.text}. {c.text}", *c.rests_on)) for c in conclusions]


def _of_inputs(study: StudyResult, prices: Figure) -> Section:
    return Section(
        "Calendar and prices",
        (*study.events.notes, *study.events.assumptions),
        (
            study_tables.calendar_table(study),
            study_tables.coincidence_table(study),
            study_tables.overlap_table(study),
            study_tables.dropped_table(study),
            study_tables.price_table(study),
            study_tables.warning_table(study),
        ),
        (prices,),
    )


def _of_long_run(result: LongRunResult) -> Section:
    shown = (bhar_table(result), calendar_time_table(result))
    return Section("The long run", (*result.asked(), *result.cautions()), shown)


def _of_backtest(backtest: BacktestResult) -> list[Section]:
    placebo = drawn.placebo_figure(backtest)
    return [
        Section(
            "Trades",
            tuple(trading_lines(backtest)),
            tuple(trading_tables(backtest).values()),
            (drawn.equity_figure(backtest),),
        ),
        Section(
            "Is it luck?",
            tuple(luck_lines(backtest.evidence)),
            tuple(luck_tables(backtest.evidence).values()),
            () if placebo is None else (placebo,),
        ),
    ]
