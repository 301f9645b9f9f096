"""The kinds of claims, by name."""

from __future__ import annotations

from eventstudy.claims.contract import Kind
from eventstudy.claims.kinds.at_once import SEPARABLE
from eventstudy.claims.kinds.facts import MARKET_VALUE, MOVE, MULTIPLE_OVER, RUN_OF_FALLS
from eventstudy.claims.kinds.figures import COMPANY_FIGURES
from eventstudy.claims.kinds.follows import WHAT_FOLLOWS
from eventstudy.claims.kinds.groups import GROUP_EFFECT
from eventstudy.claims.kinds.news import AFTER_KIND

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        MOVE,
        MARKET_VALUE,
        RUN_OF_FALLS,
        COMPANY_FIGURES,
        MULTIPLE_OVER,
        WHAT_FOLLOWS,
        AFTER_KIND,
        SEPARABLE,
        GROUP_EFFECT,
    )
}
