"""Check certificates of global optimality without trusting the library that wrote them.

    python -m hidden_convexity.verify FILE [FILE ...]     (or: python FOLDER FILE, of this folder)

This needs NumPy only, and runs none of the code that trains and proves. Read `verdict`, which says
what is to be proven, then `values` (P, and what nu proves if it may), `feasibility` (that it may:
rows, then a sort in the plane, `circle`, cones, `cover`, or cases, `signs`), `line` (one variable),
`freedom` (of linear terms, and of probabilities that add up to 1), `rounding`.
"""

from .archive import MAX_RANK, OTHERS, complete, content, digest, read
from .circle import plane
from .cover import cones
from .feasibility import asked, height, rows
from .freedom import moved, used
from .rounding import Refused
from .signs import bounds, cases, merged, nothing_but_zero, ordinary, usual
from .values import dual_value, objective
from .verdict import main, verify

__all__ = [
    "MAX_RANK",
    "OTHERS",
    "Refused",
    "asked",
    "bounds",
    "cases",
    "complete",
    "cones",
    "content",
    "digest",
    "dual_value",
    "height",
    "main",
    "merged",
    "moved",
    "nothing_but_zero",
    "objective",
    "ordinary",
    "plane",
    "read",
    "rows",
    "used",
    "usual",
    "verify",
]
