"""Networks and their convex equivalents: one file a row of the table, all with the same names.

To add a row, add one file to this folder. It holds, as `quadratic.py` does::

    table_row, a `parts.TableRow`, and instance(rng), a small demo: X, y and beta;
    objective(network, X, y, beta), the non-convex loss; descend(X, y, beta, rng), trained on it;
    convex_program(X, y, beta), a `parts.Program`; decode(program), a network once it is solved;
    sizes(program), the sizes of the groups, coefficients or singular values that are sparse;
    and, at real size, train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True), a
    `trained.RowSolution`.

The test of all rows, and the table of notebook 07, find the file.
"""

import pkgutil
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

import numpy as np

from hidden_convexity.equivalences.parts import ACTIVE, Program, TableRow
from hidden_convexity.foundations.validation import positive_number, real_array, whole_number
from hidden_convexity.problem.gap import format_gap
from hidden_convexity.solvers.solution import Solution

__all__ = [
    "Check",
    "Program",
    "TableRow",
    "Training",
    "check",
    "markdown_table",
    "rows",
    "sizes_along",
    "training_table",
]

# Relative differences: of the two values of one solution, and of the best descent from them.
SAME_VALUE, NEAR = 1e-6, 1e-3
# Seconds are told as the least of these that they are below, since they differ from run to run.
CLASSES = (0.3, 3, 30)


def rows():
    """Every row: a dict of module name to module.

    All have the same names, and their `train` the arguments of `trained.options`.

    Rows of one sparse model (what `signal` says up to a comma) stand together, the model with most
    rows first.
    """
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    modules = [module for module in modules if hasattr(module, "table_row")]

    def family(module):
        return module.table_row.signal.partition(",")[0]

    size = Counter(family(module) for module in modules)
    modules.sort(key=lambda m: (-size[family(m)], family(m), *m.table_row[2::-2]))
    return {module.__name__.rpartition(".")[2]: module for module in modules}


@dataclass(frozen=True, eq=False)
class Check:
    """What one instance says of one row.

    Attributes
    ----------
    row : module
    data : tuple
        X, y and beta of the instance.
    convex, decoded : float
        Optimal value of the convex program; objective of the network decoded from its solution.
    network : NamedTuple
        The decoded network.
    sizes : ndarray
        Sizes of the groups, coefficients or singular values of the solution, small ones set to 0.
    trained : ndarray
        Objectives that descent on the non-convex problem ended with, one a start.
    """

    row: object
    data: tuple
    convex: float
    decoded: float
    network: object
    sizes: np.ndarray
    trained: np.ndarray

    @property
    def same_value(self):
        """Whether the decoded network has the convex value."""
        return bool(abs(self.decoded - self.convex) <= SAME_VALUE * self.convex)

    @property
    def never_below(self):
        """Whether no descent ended below the convex value."""
        return bool((self.trained >= self.convex * (1 - SAME_VALUE)).all())

    @property
    def attained(self):
        """Whether one descent, at least, came within a thousandth of it."""
        return bool((self.trained <= self.convex * (1 + NEAR)).any())

    @property
    def holds(self):
        """Whether all three are true."""
        return self.same_value and self.never_below and self.attained

    def __repr__(self):
        name, values = self.row.table_row.name, f"{self.convex:.4g} and {self.decoded:.4g}"
        return f"Check({name}: {values}, {'holds' if self.holds else 'FAILS'})"


def check(row, rng, starts=4, most=40):
    """Solve, decode and train one random instance of a row.

    Parameters
    ----------
    row : module
        One of `rows()`.
    rng : numpy.random.Generator
    starts, most : int
        Random starts of the non-convex training: `starts`, and more up to `most` for as long as
        none has come near the convex value.

    Returns
    -------
    Check

    Raises
    ------
    TypeError, ValueError
        If a number of starts is not a positive integer.
    RuntimeError
        If the convex program is not solved.
    """
    starts = whole_number(starts, "starts", 1)
    most = whole_number(most, "most", starts)
    X, y, beta = row.instance(rng)
    program = row.convex_program(X, y, beta)
    convex = program.solve()
    trained = []
    while len(trained) < starts or (len(trained) < most and min(trained) > convex * (1 + NEAR)):
        trained.append(float(row.objective(row.descend(X, y, beta, rng), X, y, beta)))
    network = row.decode(program)
    return Check(
        row=row,
        data=(X, y, beta),
        convex=convex,
        decoded=float(row.objective(network, X, y, beta)),
        network=network,
        sizes=_without_small(row.sizes(program)),
        trained=np.array(trained),
    )


def sizes_along(row, X, y, betas):
    """Sizes of a row's solutions at several weight decays (len(betas), p), small ones set to 0."""
    found = []
    for beta in real_array(betas, "betas", ndim=1):
        program = row.convex_program(X, y, positive_number(float(beta), "betas"))
        program.solve()
        found.append(row.sizes(program))
    return _without_small(np.array(found))


def _without_small(sizes):
    return np.where(sizes > ACTIVE * sizes.max(), sizes, 0.0)


def markdown_table(checks):
    """The table in Markdown: a line for each check that holds, with the value of both sides.

    Raises
    ------
    ValueError
        If a check does not hold, since its row has no place in the table.
    """
    lines = [
        "| network | convex model | sparse signal model | value |",
        "| --- | --- | --- | --- |",
    ]
    for one in checks:
        if not one.holds:
            raise ValueError(f"checks: {one!r}; a row that fails has no place in the table")
        row = one.row.table_row
        # A bar in a formula would end the table's cell.
        model = row.model.replace(r"\|", r"\Vert ")
        lines.append(
            f"| {row.name} ({row.citation}) | {model} | {row.signal} | {one.convex:.4g} ✓ |"
        )
    return "\n".join(lines)


class Training(NamedTuple):
    """A row trained on data: what they are, what came out, and the seconds that it took."""

    row: object
    data: str
    solution: Solution
    seconds: float


def training_table(trainings):
    """What trainings reached, in Markdown: the text is the same for times that differ a little."""
    lines = [
        "| network | proven at | trained on | result | width | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row, data, solution, seconds in trainings:
        result = f"{format_gap(solution.gap)}, {solution.scope}"
        below = next((f"< {limit:g}" for limit in CLASSES if seconds < limit), f"> {CLASSES[-1]:g}")
        known = row.table_row.name, row.table_row.proven, data, result
        lines.append(f"| {' | '.join(known)} | {solution.network.width} | {below} |")
    return "\n".join(lines)
