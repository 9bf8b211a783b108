"""Check certificates of global optimality without trusting the library that wrote them.

    python -m hidden_convexity.verify FILE [FILE ...]     (or: python FOLDER FILE, of this folder)

This needs NumPy only, and runs none of the code that trains and proves. To be proven is that no
network of the file's kind, of any width, has an objective P below the file's bound. For two layers
P = F(f) + beta/2 sum_j (||w_j||^2 + a_j^2), f = sum_j a_j phi(X w_j), and if |nu.phi(Xu)| <= beta
for all unit vectors u, weak duality says so of the number -F*(-nu), which for the squared loss
sum_i w_i (f_i - y_i)^2 / 2, of samples with weights w_i, is sum_i nu_i y_i - nu_i^2 / (2 w_i).
Networks of one variable have their branches in the place of phi(Xu). Of several outputs
||N'phi(Xu)|| <= beta takes its place.

It checks rank 8 and below by cones, any rank by cases if these are few, and in the plane and on the
line any number of samples. Of 2,000 samples in four dimensions, at 0.1 beta_max and a gap of 6e-5,
a file has 111 kB and takes 3 s of a processor to check, 6 s to write; of 10,000 samples it has 480
kB, of which the data are 400, and takes 14 s, and 24 s to write.

Read `verdict`, then `values` (P, and what nu proves if it may), `feasibility` (that it may: rows,
then a sort in the plane, `circle`, cones, `cover`, or cases, `signs`), `line` (one variable),
`freedom` (of linear terms, and of probabilities that add up to 1), `rounding`.
"""

from .archive import MAX_RANK, OTHERS, complete, content, digest, read
from .circle import plane
from .cover import cones
from .feasibility import asked, height, rows
from .freedom import moved
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
    "usual",
    "verify",
]
