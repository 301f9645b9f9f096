"""backtrader as it comes, imported quietly.

Its docstrings hold escape sequences that newer Pythons warn of when they compile the files
for the first time; where warnings are errors, the import itself would fail.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import backtrader as bt

__all__ = ["bt"]
