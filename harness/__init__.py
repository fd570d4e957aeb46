"""A local simulation and test harness for pipelines built on Supabase Realtime.

The names below are the public ones; `docs/architecture.md` is the map of the rest.
"""

from harness import checkers, generators
from harness.checkers.checker import Finding, Valid, Verdict
from harness.history import History, Op
from harness.scenario import Scenario

__all__ = ["Finding", "History", "Op", "Scenario", "Valid", "Verdict", "checkers", "generators"]
