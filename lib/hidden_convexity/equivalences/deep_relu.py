"""Deep ReLU networks of one input, a neuron a layer in each branch: a Lasso over clipped ramps.

f(x) = c + sum_j a_j (w_jK ( ... (w_j1 x + b_j1)_+ ... )_+ + b_jK)_+ with K = L - 1 >= 2 hidden
layers, free biases b and c, and penalty (beta/L) sum_j (|a_j|^L + sum_k |w_jk|^L), at least
beta sum_j |a_j w_j1 ... w_jK| and equal to it after rescaling. A neuron is monotone and of one
bend, so a branch is monotone, with slope one between two bends t < u and none outside: a clipped
ramp min((x - t)_+, u - t) or its opposite, up to a constant and a factor, where u may be infinite.
Two neurons make any of these, (u - t - (x - t)_+)_+, and further ones no others: depth beyond
three layers changes nothing. Reflections (arXiv:2403.01046) need a branch that is not monotone, as
with absolute values: see `hidden_convexity.mirrors`.

For sum nu = 0 and R(t) = nu.(x - t)_+ the product of nu with a clipped ramp is R(t) - R(u). R is
linear between data points and constant outside, so both bends may be data points: these are the
columns, and M(nu) = max R - min R, in one pass. For slopes s_1, ..., s_p between data points the
penalty of the best network is beta/2 (|s_1| + sum_k |s_(k+1) - s_k| + |s_p|): the l1 trend filter
with ends that are charged, too.
"""

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, one_input, parts, trained
from hidden_convexity.equivalences.one_input import BranchNetwork, checked
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.line.ramps import Ramps, line_problem, mean
from hidden_convexity.solvers import lasso

BRANCHES = 8
LAYERS = 3
SLOPE = 0.0

table_row = parts.TableRow(
    name="deep ReLU, one neuron a layer, 1-D",
    model=r"$\frac12\|Az + c1 - y\|^2 + \beta\|z\|_1$, columns of $A$: "
    r"$\min((x - x_i)_+, x_k - x_i)$",
    signal="Lasso, of clipped ramps",
    citation="[Zeger et al. 2024](https://arxiv.org/abs/2403.01046)",
    atoms=r"$|z_k|$",
    proven="one input, any number of samples",
)
instance, objective, sizes = one_input.instance, one_input.objective, one_input.sizes


def clipped_ramps(x, bends):
    """min((x - t)_+, u - t), (n, k), for bends (t, u) (k, 2) with t < u."""
    return np.clip(x[:, None], *bends.T) - bends[:, 0]


def convex_program(X, y, beta):
    """The Lasso over all clipped ramps of pairs of data points, with a free constant."""
    X, y, beta = checked(X, y, beta)
    points = np.unique(X)
    first, second = np.triu_indices(len(points), k=1)
    bends = np.column_stack([points[first], points[second]])
    z, c = cp.Variable(len(bends), name="z"), cp.Variable(1, name="c")
    loss = 0.5 * cp.sum_squares(clipped_ramps(X[:, 0], bends) @ z + c - y)
    return parts.Program(loss + beta * cp.norm1(z), bends=bends)


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True, layers=LAYERS):
    """Train a network with any number of branches to a certified gap.

    Parameters
    ----------
    X : (n, 1) array_like
        A round costs one pass over the data.
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.
    layers : int
        L >= 3, of weights; the optimal value is the same for all.

    Returns
    -------
    RowSolution
        Its scope is "global": so many layers, any number of branches.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    layers = whole_number(layers, "layers", 3)
    x, problem = X[:, 0], line_problem(X[:, 0], y, beta)

    def features(bends):
        values = clipped_ramps(x, bends)
        return values - values.mean(axis=0)  # the rest of them is the free constant's

    found = lasso.solve(
        problem,
        features,
        _search(x),
        2,
        tol,
        lambda nu: 4 * Ramps(x).allowance(nu),
        lambda nu: nu - nu.mean(),
        Budget(max_seconds),
        progress,
    )
    constant = mean(y) - (clipped_ramps(x, found.columns) @ found.coefficients).mean()
    network = _of_ramps(found.columns, found.coefficients, constant, layers)
    return trained.solution(network, objective(network, X, y, beta), "global", found)


def _search(x):
    """A function of nu (n,), of sum 0, to bends (q, 2) and the products with nu (q,).

    For each data point, the best partner, and between neighbouring extrema of R what is there.
    """
    ramps = Ramps(x)
    points = ramps.points

    def search(nu):
        R = ramps.correlate(nu)
        low, high = R.argmin(), R.argmax()
        every = np.arange(len(points))
        partner = np.where(R[high] - R > R - R[low], high, low)
        turns = np.flatnonzero(np.diff(np.sign(np.diff(R))) != 0) + 1
        turns = np.concatenate([[0], turns, [len(points) - 1]])
        pairs = np.concatenate(
            [np.stack([every, partner], axis=1), np.stack([turns[:-1], turns[1:]], axis=1)]
        )
        pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
        return points[pairs], R[pairs[:, 0]] - R[pairs[:, 1]]

    return search


def decode(program):
    """One branch for each non-zero coefficient, its weights of size |z|^(1/L)."""
    z, c = program.weights("z"), program.weights("c")
    used = np.abs(z) > parts.NEGLIGIBLE * np.abs(z).max()
    return _of_ramps(program.known["bends"][used], z[used], c[0], LAYERS)


def _of_ramps(bends, z, constant, layers):
    """Balanced branches: min((x - t)_+, r) = r - (r - (x - t)_+)_+ with r = u - t."""
    start, rise = bends[:, 0], bends[:, 1] - bends[:, 0]
    size = np.abs(z) ** (1 / layers)
    weights = np.repeat(size[:, None], layers - 1, axis=1)
    weights[:, 1] *= -1
    biases = np.zeros_like(weights)
    biases[:, 0], biases[:, 1] = -size * start, size**2 * rise
    constant = np.array([constant + z @ rise])
    return BranchNetwork(weights, biases, -np.sign(z) * size, constant, SLOPE)


def descend(X, y, beta, rng):
    """L-BFGS on all weights from a random start, whose branches bend at samples."""
    signs, size = rng.choice([-1.0, 1.0], size=BRANCHES), rng.uniform(0.3, 1.0, size=BRANCHES)
    bends = np.sort(rng.choice(X[:, 0], size=(BRANCHES, 2)), axis=1)
    weights = np.column_stack([size, -size])
    biases = np.column_stack([-size * bends[:, 0], size**2 * np.maximum(np.ptp(bends, 1), 0.5)])
    start = BranchNetwork(weights, biases, signs * size, np.zeros(1), SLOPE)
    return descent.lbfgs(start, objective, X, y, beta, rng)
