"""The parts that several rows are made of: programs, groups over patterns, gates, factors.

Weights of a network may carry leading batch dimensions; its outputs and its objective then carry
them too, which is what `descent` needs.
"""

import warnings
from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent
from hidden_convexity.equivalences.listing import all_chambers
from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.geometry.arrangement import Arrangement
from hidden_convexity.geometry.hyperplanes import active
from hidden_convexity.problem.training_problem import TrainingProblem

# Clarabel's default, 1e-8, leaves the weights right to 1e-4 only: as the square root.
SOLVER_TOLERANCE = 1e-10
# Where rounding does not let it get there, this will do: below what is asserted of the values.
ALMOST = 1e-7
# A decoded group this much smaller than the largest is a solver's zero.
NEGLIGIBLE = 1e-8
# Below this share of the largest, a size in a picture is zero: what an interior point leaves of it.
ACTIVE = 1e-4
# Width of networks that are trained, more than the demos need.
NEURONS = 8
# Random directions from which the gates of gated networks are taken, one a chamber that is met.
GATES = 12


class TableRow(NamedTuple):
    """What the table says of a row.

    Attributes
    ----------
    name : str
        The network.
    model : str
        The convex model, a formula in LaTeX.
    signal : str
        The model's name in sparse signal processing; rows with the same one stand together.
    citation : str
        Who proved it, and where, in Markdown.
    atoms : str
        What `sizes` measures, as the label of an axis.
    proven : str
        The sizes at which the gap of its `train` is proven; empty if it has none.
    """

    name: str
    model: str
    signal: str
    citation: str
    atoms: str
    proven: str = ""


class Program(cp.Problem):
    """A minimisation in CVXPY that keeps what its decoder has to know, as `known`.

    Variables are reached by name: ``program.var_dict["u"].value``.
    """

    def __init__(self, objective, constraints=None, **known):
        super().__init__(cp.Minimize(objective), constraints)
        self.known = known

    def solve(self, **options):
        """Solve by Clarabel to `SOLVER_TOLERANCE`, or as the options say; return the value."""
        kinds = ("gap_abs", "gap_rel", "feas")
        tolerances = {f"tol_{kind}": SOLVER_TOLERANCE for kind in kinds}
        tolerances |= {f"reduced_tol_{kind}": ALMOST for kind in kinds}
        with warnings.catch_warnings():
            # What CVXPY calls inaccurate has missed the first tolerances and met the second.
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            value = super().solve(**(options or {"solver": cp.CLARABEL, **tolerances}))
        if self.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
            raise RuntimeError(
                f"the solver ended with status {self.status!r}; rescale X and y to entries near 1"
            )
        return float(value)

    def weights(self, name):
        """The value of a variable, or a ValueError if the program has not been solved."""
        value = self.var_dict[name].value
        if value is None:
            raise ValueError("program has no solution yet; call its solve() first")
        return value


def checked(X, y, beta, outputs="one"):
    """X (n, d), y (n,) or for several outputs (n, c), and beta, validated as for training."""
    problem = TrainingProblem(X, y, beta)
    wanted = 1 if outputs == "one" else 2
    if problem.y.ndim != wanted:
        shape = "(n,)" if wanted == 1 else "(n, c)"
        raise ValueError(f"y must have shape {shape} for this network, got {problem.y.shape}")
    return problem.X, problem.y, problem.beta


def random_instance(rng, n, d, beta, outputs=()):
    """Gaussian data X (n, d) and targets y (n, *outputs), and the weight decay as it is given."""
    return rng.normal(size=(n, d)), rng.normal(size=(n, *outputs)), beta


def line_instance(rng, n, beta):
    """X (n, 2) with points of (-2, 2) in increasing order and a column of ones; ||y|| = 2.

    There is one point in each of n equal intervals, and their gaps are half an interval at least.
    """
    t = 4 * (np.arange(n) + rng.uniform(0.25, 0.75, size=n)) / n - 2
    y = rng.normal(size=n)
    return np.column_stack([t, np.ones(n)]), 2 * y / np.linalg.norm(y), beta


def squared_error(outputs, y):
    """1/2 ||outputs - y||^2, for each network of a batch."""
    return 0.5 * ((outputs - y) ** 2).sum(axis=tuple(range(-y.ndim, 0)))


def powers(weights, power, ndim):
    """Sum of |weights|^power over their last dimensions, for each network of a batch."""
    return (np.abs(weights) ** power).sum(axis=tuple(range(-ndim, 0)))


def squares(weights, ndim):
    """`powers` with power 2."""
    return powers(weights, 2, ndim)


# Two layers, an activation that is linear on each side of 0


class Neurons(NamedTuple):
    """f(X) = sum_j a_j phi(X w_j), phi(t) = t for t > 0 and slope * t for t <= 0.

    Attributes
    ----------
    hidden : (..., m, d) ndarray
    output : (..., m) ndarray
    slope : float
        0: ReLU; between 0 and 1: leaky ReLU; -1: absolute value.
    """

    hidden: np.ndarray
    output: np.ndarray
    slope: float = 0.0

    @property
    def width(self):
        """Number m of neurons."""
        return self.hidden.shape[-2]

    def __call__(self, X):
        inputs = X @ self.hidden.swapaxes(-1, -2)
        features = np.where(inputs > 0, inputs, self.slope * inputs)
        return (features @ self.output[..., None])[..., 0]

    def decay(self):
        """1/2 sum_j (||w_j||^2 + a_j^2)."""
        return 0.5 * (squares(self.hidden, 2) + squares(self.output, 1))


def random_neurons(rng, d, slope=0.0):
    """A start for descent."""
    return Neurons(0.5 * rng.normal(size=(NEURONS, d)), 0.5 * rng.normal(size=NEURONS), slope)


def bends(network):
    """Where neurons on data X = [t, 1] bend: t = -w_2 / w_1, for those that are not negligible."""
    size = np.abs(network.output) * np.linalg.norm(network.hidden, axis=1)
    slope, bias = network.hidden[size > ACTIVE * size.max()].T
    return np.sort(-bias / slope)


class Groups(NamedTuple):
    """Expressions of Theorem 1: outputs (rows,), sum of lengths, and the cone constraints."""

    outputs: cp.Expression
    lengths: cp.Expression
    cones: list


def cone_groups(X, slope=0.0, half=False):
    """Groups u_g and v_g (variables "u" and "v") in the cone of each chamber g of X.

    In chamber g, with pattern D_g, the activation is the linear map S_g = D_g + slope (I - D_g),
    so neurons of weights u and output weight +-1 give +-S_g X u, at the price ||u|| after
    balancing. Where opposite chambers have equally good features, `half` keeps one of each pair.
    """
    patterns = all_chambers(X).patterns
    if half:
        first = patterns.any(axis=1).argmax()
        patterns = patterns[:, patterns[first]]
    signs = 2.0 * patterns - 1.0
    slopes = np.where(patterns, 1.0, slope)
    u, v = (cp.Variable((X.shape[1], patterns.shape[1]), name=name) for name in "uv")
    return Groups(
        outputs=cp.sum(cp.multiply(slopes, X @ (u - v)), axis=1),
        lengths=cp.sum(cp.norm(u, 2, axis=0)) + cp.sum(cp.norm(v, 2, axis=0)),
        cones=[cp.multiply(signs, X @ z) >= 0 for z in (u, v)],
    )


def neurons_objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||w_j||^2 + a_j^2)."""
    X, y, beta = checked(X, y, beta)
    return squared_error(network(X), y) + beta * network.decay()


def neurons_program(X, y, beta, slope=0.0):
    """Theorem 1, for any of these activations."""
    X, y, beta = checked(X, y, beta)
    groups = cone_groups(X, slope, half=slope == -1.0)  # |x.u| = |x.(-u)|
    loss = 0.5 * cp.sum_squares(groups.outputs - y)
    return Program(loss + beta * groups.lengths, groups.cones, slope=slope)


def decode_neurons(program):
    """Neurons w = u / sqrt(||u||), a = sqrt(||u||), and a < 0 for v: as long, and balanced."""
    u, v = program.weights("u"), program.weights("v")
    directions = np.concatenate([u, v], axis=1).T
    signs = np.repeat([1.0, -1.0], [u.shape[1], v.shape[1]])
    return Neurons(*balanced(directions, signs), program.known.get("slope", 0.0))


def balanced(directions, signs):
    """Hidden weights u / sqrt(||u||) and output weights +-sqrt(||u||) of non-zero groups u."""
    lengths = np.linalg.norm(directions, axis=1)
    used = lengths > NEGLIGIBLE * lengths.max(initial=0.0)
    root = np.sqrt(lengths[used])
    return directions[used] / root[:, None], signs[used] * root


def group_lengths(program):
    """||u_g|| for all chambers g, then ||v_g||."""
    return np.concatenate([np.linalg.norm(program.weights(name), axis=0) for name in "uv"])


def descend_neurons(X, y, beta, rng, slope=0.0):
    """L-BFGS on all weights from a random start."""
    start = random_neurons(rng, X.shape[1], slope)
    return descent.lbfgs(start, neurons_objective, X, y, beta, rng)


# Gates that are fixed


def fixed_gates(X, patterns=None):
    """Gates (m, d), and their patterns (n, m) as zeros and ones.

    Parameters
    ----------
    X : (n, d) ndarray
    patterns : int or Arrangement, optional
        How many directions to draw, by `Arrangement.sample` with seed 0, or the chambers of X whose
        gates to take; `GATES` directions by default.

    Raises
    ------
    TypeError, ValueError
        If patterns is neither, not positive, or an arrangement of other data.
    """
    if not isinstance(patterns, Arrangement):
        count = GATES if patterns is None else whole_number(patterns, "patterns", 1)
        patterns = Arrangement.sample(X, count, rng=0)
    if not np.array_equal(patterns.X, X):
        raise ValueError("patterns must be an arrangement of X, got one of other data")
    return patterns.gates.T, patterns.patterns.astype(float)


def gated_features(X, gates, hidden):
    """1[X g_j > 0] X w_j as (..., n, m), for gates (m, d) and hidden weights (..., m, d)."""
    return active(X, gates.T) * (X @ hidden.swapaxes(-1, -2))


# Several outputs, and products of two matrices


def vector_objective(network, X, y, beta):
    """1/2 ||f(X) - Y||_F^2 + (beta/2) (||hidden||_F^2 + ||output||_F^2)."""
    X, y, beta = checked(X, y, beta, outputs="several")
    decay = squares(network.hidden, 2) + squares(network.output, 2)
    return squared_error(network(X), y) + 0.5 * beta * decay


def balanced_factors(Z):
    """P (k, r) and Q (r, l) with P Q = Z and ||P||_F^2 = ||Q||_F^2 = ||Z||_*: from the SVD.

    The least possible: ||Z||_* = min 1/2 (||P||_F^2 + ||Q||_F^2) over P Q = Z.
    """
    left, values, right = np.linalg.svd(Z, full_matrices=False)
    root = np.sqrt(values)
    return left * root, root[:, None] * right
