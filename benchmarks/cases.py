"""What is measured: every case, its data, and the programs that run on it."""

from dataclasses import dataclass, field, replace

import numpy as np

import hidden_convexity as hc
from hidden_convexity.oracle import searching_oracle

# The training programs that are compared, ours first: ratios are to the first program of a case.
TRAINING = ("ours", "cvxpy", "pyscnn", "adam")


@dataclass(frozen=True)
class Case:
    """One training problem and the programs that are timed on it.

    Parameters
    ----------
    name : str
    d, n : int
        Columns of X, the last of which is the bias, and samples.
    programs : tuple of str
        Modules of `benchmarks.solvers` or `benchmarks.tasks`. Ratios are to the first one.
    share : float
        Weight decay, in units of the smallest one at which the zero network is optimal.
    tol : float
        Relative gap asked of a program that can be asked for one.
    max_seconds : float, optional
        Budget of our training. None: what it has by itself, a minute a proof.
    """

    name: str
    d: int
    n: int
    programs: tuple[str, ...] = ("ours",)
    share: float = 0.05
    tol: float = 1e-6
    max_seconds: float | None = field(default=None, kw_only=True)

    def problem(self):
        """The case's data as a `TrainingProblem`; the same whenever and wherever it is called."""
        rng = np.random.default_rng(0)
        if self.d == 2:
            inputs = rng.uniform(-3, 3, size=(self.n, 1))
            clean = np.sin(3 * inputs[:, 0]) * np.exp(-np.abs(inputs[:, 0]) / 2)
        else:
            inputs = rng.standard_normal((self.n, self.d - 1))
            clean = np.sin(2 * inputs[:, 0]) * inputs[:, 1]
        X = np.column_stack([inputs, np.ones(self.n)])
        y = clean + 0.1 * rng.standard_normal(self.n)
        # Only a scale, so the largest value found will do: proving it at d = 6 would take minutes.
        scale = searching_oracle(X)(y).value
        return hc.TrainingProblem(X, y, self.share * scale)

    def warm_up(self):
        """A small case that makes every program compile and load what this one needs.

        A large case runs through more of the library than the smallest ones do.
        """
        if self.d == 2 or self.n <= 100:
            return replace(self, n=min(self.n, 12))
        return replace(self, n=min(self.n, 120 if self.d == 3 else 40))


CASES = [
    # Everybody solves the same problem: checked before anything is timed.
    Case("agreement", 2, 6, TRAINING, share=0.2),
    # Within reach of all.
    Case("d2-n200", 2, 200, ("ours", "bound", "cvxpy", "pyscnn", "adam")),
    Case("d2-n400", 2, 400, ("ours", "bound", "cvxpy", "pyscnn", "adam")),
    Case("d3-n40", 3, 40, ("ours", "bound", "cvxpy", "pyscnn", "adam")),
    Case("d3-n60", 3, 60, ("ours", "bound", "cvxpy", "pyscnn", "adam")),
    # Ours alone.
    Case("d3-n1000", 3, 1_000),
    Case("d3-n10000", 3, 10_000),
    Case("d3-n100000", 3, 100_000, ("ours", "certify_adam", "one_pass"), tol=1e-4),
    Case("d4-n10000", 4, 10_000, ("ours", "certify_adam"), tol=1e-4),
    Case("d5-n2000", 5, 2_000, tol=1e-3),
    Case("d6-n1000", 6, 1_000, tol=1e-2, share=0.2),
    # As far as a proof goes: seconds to minutes each.
    Case("d3-n1000000", 3, 1_000_000, tol=1e-4),
    Case("d4-n100000", 4, 100_000, tol=1e-4),
    Case("d7-n500", 7, 500, tol=1e-2, share=0.2),
    Case("d8-n500", 8, 500, tol=1e-2, share=0.2),
    *(
        Case(f"d2-n{n}", 2, n, ("ours", "argsort", "one_pass"), share=1e-3)
        for n in (10_000, 100_000, 1_000_000)
    ),
    # The proof alone: cells against n, then against d.
    *(
        Case(f"cells-d3-n{n}", 3, n, ("cells",), tol=1e-3)
        for n in (100, 1_000, 10_000, 100_000, 1_000_000)
    ),
    Case("cells-d2-n1000", 2, 1_000, ("cells",), tol=1e-2),
    Case("cells-d3-n1000-0.01", 3, 1_000, ("cells",), tol=1e-2),
    *(Case(f"cells-d{d}-n1000", d, 1_000, ("cells",), tol=1e-2) for d in (4, 5, 6)),
    # Listing the chambers.
    Case("chambers-d3-n40", 3, 40, ("enumeration", "chamber_lps")),
]
BY_NAME = {case.name: case for case in CASES}
