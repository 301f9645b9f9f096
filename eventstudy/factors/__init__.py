"""Factor returns per session: Fama-French, momentum, and factors of one's own."""

from eventstudy.factors.load import load_factors
from eventstudy.factors.table import FactorError, FactorTable, canonical_name

__all__ = ["FactorError", "FactorTable", "canonical_name", "load_factors"]
