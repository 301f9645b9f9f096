"""What a strategy's text opens or reaches is listed with its line."""

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import EventStrategy, audit
from eventstudy.backtest.library import load_source, resolve_strategies
from eventstudy.backtest.replay.sources import reads, sources_of

TEXT = '''import json
import requests
from urllib.request import urlopen
from pathlib import Path

import numpy as np
import pandas as pd
import eventstudy as es
from eventstudy.backtest import EventStrategy

PRICES = es.load_prices(source="sample")


class Reader(EventStrategy):
    """Opens what it likes."""

    def targets(self, event, history):
        with open("a.txt") as file:
            json.load(file)
        pd.read_csv("b.csv")
        Path("c").read_text()
        self.load("fair")
        return {"A": np.load("d.npy")[0] + self.data1.close[1] + self.datas[0].close[0]}

    def load(self, name):
        return self.rng, self.hold
'''
FOUND = (
    "import requests (line 2)",
    "import urllib.request (line 3)",
    "es.load_prices (line 11)",
    "open (line 18)",
    "json.load (line 19)",
    "pd.read_csv (line 20)",
    "Path('c').read_text (line 21)",
    "np.load (line 23)",
    "self.data1 (line 23)",
    "self.datas (line 23)",
)


def test_reads_are_listed_with_their_lines():
    assert reads(TEXT) == FOUND


def test_a_file_is_read_whole_and_a_class_of_a_program_by_itself():
    text = TEXT.replace('PRICES = es.load_prices(source="sample")', "PRICES = None")
    text = text.replace("import requests\n", "\n")
    (strategy,) = load_source(text, "reader.py")
    assert "import urllib.request (reader.py, line 3)" in sources_of(strategy)

    class Inner(EventStrategy):
        """Opens a file."""

        def targets(self, event, history):
            return open("x")

    (mine,) = resolve_strategies(Inner)
    (found,) = sources_of(mine)
    line = Inner.targets.__code__.co_firstlineno + 1
    assert found == f"open (test_sources.py, line {line})"


def test_the_shipped_strategies_read_nothing():
    from eventstudy.backtest import bundled_strategies

    assert {name: sources_of(s) for name, s in bundled_strategies().items() if sources_of(s)} == {}


LATER = pd.DataFrame({"A": np.arange(40.0)})
WORDS = {"A": 1.0}


def a_look_ahead(event):
    return float(LATER["A"].iloc[-1] > event.number)


class Beside(EventStrategy):
    """Looks the future up in a table of this program."""

    def targets(self, event, history):
        return {"A": float(np.sign(LATER["A"].iloc[len(history)] - 0.5)) * WORDS["A"]}


class Through(EventStrategy):
    """The same, by a function of this program."""

    def targets(self, event, history):
        return {"A": a_look_ahead(event)}


class Within(EventStrategy):
    """The same, on the class."""

    later = np.arange(40.0)

    def targets(self, event, history):
        return {"A": float(self.later[len(history)])}


def made_around():
    later = [pd.Series([1.0])]

    class Around(EventStrategy):
        """The same, in a function around the class."""

        def targets(self, event, history):
            return {"A": float(later[0].iloc[0])}

    return Around


@pytest.mark.parametrize(
    ("cls", "named", "of"),
    [
        (Beside, "LATER: DataFrame", "targets"),
        (Through, "LATER: DataFrame", "a_look_ahead"),
        (Within, "Within.later: ndarray", ""),
        (made_around(), "later: list", "targets"),
    ],
)
def test_data_in_the_program_around_a_class_are_listed(cls, named, of):
    own = a_look_ahead if of == "a_look_ahead" else cls.targets
    line = f" (line {own.__code__.co_firstlineno})" if of else ""
    (strategy,) = resolve_strategies(cls)
    assert sources_of(strategy) == (f"{named}{line}",)


def test_no_replay_tells_of_such_data_and_the_audit_says_so(make_event, make_table, flat):
    days, prices = flat(30, A=10.0)
    events = [make_event(f"e{r}", str(days[r]), row=r) for r in (3, 9, 15)]
    found = audit(events, make_table(days, prices), Beside, jobs=1)
    assert not found.clean
    assert not found.peeks
    assert dict(found.verdicts) == {"beside": "unproven"}
    assert "it is not clean until it reads nothing but what it is given" in found.summary()
    assert (
        "beside reads what no replay changes, look for yourself: LATER: DataFrame"
        in found.summary()
    )
    assert "a table in the program around it" in found.summary()


def test_names_of_events_dates_and_the_table_behind_a_history_are_listed():
    text = """
from pandas import read_csv as quietly


class Named:
    def targets(self, happening, history):
        if happening.id == "avgo-2024" or str(happening.session_0) > "2024-12-13":
            return {"A": history._table.close[-1, 0], "B": other.id}
        return quietly("c.csv")
"""
    assert reads(text) == (
        "import pandas.read_csv (line 2)",
        "happening.id (line 7)",
        "the date 2024-12-13 (line 7)",
        "history._table (line 8)",
    )
