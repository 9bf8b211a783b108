"""Check certificates of global optimality without trusting the library that wrote them.

    python -m hidden_convexity.verify FILE [FILE ...]     (or: python FOLDER FILE, of this folder)

This needs NumPy only, and runs none of the code that trains and proves. To be proven is that no
two-layer network of any width has an objective P = F(f) + beta/2 sum_j (||w_j||^2 + a_j^2),
f = sum_j a_j phi(X w_j), below the file's bound. If |nu.phi(Xu)| <= beta for all unit vectors u,
weak duality says so of the number -F*(-nu), which is sum nu_i y_i - nu_i^2 / (2 w_i) for the
squared loss sum w_i (f_i - y_i)^2 / 2 with weights w_i, 1 unless the file has others.
Read `verdict`, then `values` (P, and what nu proves if it may), `feasibility` (that it may: rows,
then a sort in the plane, `circle`, or cones, `cover`), `freedom` (of linear terms), `rounding`.
"""

from .archive import MAX_RANK, complete, content, digest, read
from .circle import plane
from .cover import cones
from .feasibility import height, rows
from .freedom import moved
from .rounding import Refused
from .values import dual_value, objective
from .verdict import main, verify

__all__ = [
    "MAX_RANK",
    "Refused",
    "complete",
    "cones",
    "content",
    "digest",
    "dual_value",
    "height",
    "main",
    "moved",
    "objective",
    "plane",
    "read",
    "rows",
    "verify",
]
