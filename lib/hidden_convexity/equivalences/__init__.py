"""Networks and their convex equivalents: one file a row of the table, all with the same names.

To add a row, add one file to this folder. It holds, as `relu.py` does:
    table_row, a `parts.TableRow`, and instance(rng), a small demo: X, y and beta;
    objective(network, X, y, beta), the non-convex loss; descend(X, y, beta, rng), trained on it;
    convex_program(X, y, beta), a `parts.Program`; decode(program), a network once it is solved;
    sizes(program), the sizes of the groups, coefficients or singular values that are sparse.
Nothing else changes: the test, the table and the gallery of notebook 07 find the file.
"""

import pkgutil
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from hidden_convexity.equivalences.parts import Program, TableRow
from hidden_convexity.validation import whole_number

__all__ = ["Check", "Program", "TableRow", "check", "markdown_table", "rows"]

# Relative differences: of the two values of one solution, and of the best descent from them.
SAME_VALUE, NEAR = 1e-6, 1e-3


def rows():
    """Every row: a dict of module name to module, rows of one sparse model side by side."""
    modules = [
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    modules = [module for module in modules if hasattr(module, "table_row")]
    modules.sort(key=lambda module: (module.table_row.signal, module.table_row.name))
    return {module.__name__.rpartition(".")[2]: module for module in modules}


@dataclass(frozen=True)
class Check:
    """What one instance says of one row.

    Attributes
    ----------
    row : module
    convex, decoded : float
        Optimal value of the convex program; objective of the network decoded from its solution.
    trained : (starts,) ndarray
        Objectives that descent on the non-convex problem ended with.
    sizes : ndarray
        Sizes of the groups, coefficients or singular values of the convex solution.
    network : NamedTuple
        The decoded network.
    data : tuple
        X, y and beta of the instance.
    """

    row: object
    convex: float
    decoded: float
    trained: np.ndarray
    sizes: np.ndarray
    network: object
    data: tuple

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


def check(row, rng, starts=8):
    """Solve, decode and train one random instance of a row.

    Parameters
    ----------
    row : module
        One of `rows()`.
    rng : numpy.random.Generator
    starts : int
        Number of random starts of the non-convex training, >= 1.

    Returns
    -------
    Check
    """
    starts = whole_number(starts, "starts", 1)
    X, y, beta = row.instance(rng)
    program = row.convex_program(X, y, beta)
    convex = program.solve()
    network = row.decode(program)
    trained = [row.objective(row.descend(X, y, beta, rng), X, y, beta) for _ in range(starts)]
    return Check(
        row=row,
        convex=convex,
        decoded=float(row.objective(network, X, y, beta)),
        trained=np.array(trained),
        sizes=row.sizes(program),
        network=network,
        data=(X, y, beta),
    )


def markdown_table(checks):
    """The table, in Markdown: one line a check, with the values of both sides and a mark."""
    lines = [
        "| network | convex model | sparse signal model | source | convex | network | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in checks:
        row = one.row.table_row
        values = f"{one.convex:.4g} | {one.decoded:.4g} | {'✓' if one.holds else '✗'}"
        lines.append(f"| {row.name} | {row.model} | {row.signal} | {row.source} | {values} |")
    return "\n".join(lines)
