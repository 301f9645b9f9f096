"""What a strategy's text opens or reaches is listed with its line."""

from eventstudy.backtest import EventStrategy
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
    assert "import urllib.request (line 3)" in sources_of(strategy)

    class Inner(EventStrategy):
        """Opens a file."""

        def targets(self, event, history):
            return open("x")

    (mine,) = resolve_strategies(Inner)
    (found,) = sources_of(mine)
    line = Inner.targets.__code__.co_firstlineno + 1
    assert found == f"open (line {line})"


def test_the_shipped_strategies_read_nothing():
    from eventstudy.backtest import bundled_strategies

    assert {name: sources_of(s) for name, s in bundled_strategies().items() if sources_of(s)} == {}
