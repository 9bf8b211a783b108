"""Certificates: a lower bound on the optimum from any network, as a file others can check.

Read `certificate` (from a network its dual point, from an oracle how far that is from feasible, so
a bound), `record` (a dual point that the independent checker accepts, and its proof, by cones or
by `cases`), then `file` (written, and read back). `verify`, which imports none of this, is the
checker, and `solvers.saved` makes solutions of files again. Hands on `Certificate`.
"""

from hidden_convexity.proof.file import read, save

__all__ = ["read", "save"]
