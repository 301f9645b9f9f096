from .result import SweepResult as SweepResult
from .run import sweep as sweep
from .space import Range as Range
from .space import grid as grid
from .space import parse_space as parse_space
from .space import random_points as random_points
from .walk import Walk as Walk
