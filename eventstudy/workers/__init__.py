"""One function on many tasks: in this process, in threads, in processes, over a Dask cluster."""

from eventstudy.workers.batches import LostTaskError, WorkersError
from eventstudy.workers.crew import Hands, Progress, crew, processors

__all__ = ["Hands", "LostTaskError", "Progress", "WorkersError", "crew", "processors"]
