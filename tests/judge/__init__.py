"""Judges of the library that share none of its code: exact arithmetic, and searches for networks.

Each judge takes one case and returns a `Verdict`: complaints, if there are any. What is judged is
what is promised: a bound is never below the maximum it bounds, a value is attained, a
"global" lower bound is below the objective of every network that a search finds.
"""

from judge.duality import judge_dual_bound, judge_free_terms
from judge.line import complaints_about_branches, judge_line
from judge.maxima import (
    judge_beta_max,
    judge_checker,
    judge_oracles,
    judge_outputs,
    judge_plane,
    oracles,
)
from judge.rows import judge_least_norm, judge_row
from judge.training import judge_certificate, judge_path, judge_training
from judge.verdict import PAID, Verdict, sqrt_of, total_size

__all__ = [
    "PAID",
    "Verdict",
    "complaints_about_branches",
    "judge_beta_max",
    "judge_certificate",
    "judge_checker",
    "judge_dual_bound",
    "judge_free_terms",
    "judge_least_norm",
    "judge_line",
    "judge_oracles",
    "judge_outputs",
    "judge_path",
    "judge_plane",
    "judge_row",
    "judge_training",
    "oracles",
    "sqrt_of",
    "total_size",
]
