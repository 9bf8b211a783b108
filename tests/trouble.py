"""Data made to tie and to round, from a seed: what the judges try the library on.

A kind of trouble is a function of a generator, the number of rows and of columns; it returns X.
Each is small, since the faults found so far need few rows, and the exact judge wants few.
"""

from dataclasses import dataclass

import numpy as np

# Sizes of a case's largest entries that the library promises to take; see `TrainingProblem`.
SMALLEST, LARGEST = 1e-75, 1e75


def turned_lines(rng, n, d):
    """Rows on d orthogonal lines, turned: hyperplanes contain the other rows, but for rounding."""
    rows = np.eye(d)[rng.integers(d, size=n)] * rng.integers(-4, 5, size=(n, 1))
    return rows @ turn(rng, d)


def grid(rng, n, d):
    return rng.integers(-3, 4, size=(n, d)).astype(float)


def turned_grid(rng, n, d):
    return grid(rng, n, d) @ turn(rng, d)


def tenths(rng, n, d):
    """Multiples of 0.1, which no float is."""
    return rng.integers(-12, 13, size=(n, d)) * 0.1


def bias_grid(rng, n, d):
    """(x, 1) with x of integers."""
    return np.column_stack([rng.integers(-5, 6, size=(n, d - 1)), np.ones(n)])


def low_rank(rng, n, d):
    """Integer combinations of fewer directions than columns, some turned."""
    r = int(rng.integers(1, d))
    rows = rng.integers(-2, 3, size=(n, r)) @ rng.integers(-2, 3, size=(r, d)).astype(float)
    return rows @ turn(rng, d) if rng.random() < 0.5 else rows


def nearly_low_rank(rng, n, d):
    """One direction hardly there: about where a rank is cut."""
    rows = rng.integers(-3, 4, size=(n, d)).astype(float)
    rows[:, -1] *= 10.0 ** rng.uniform(-14, -8)
    if rng.random() < 0.5:
        rows[:, 0] += 10.0 ** rng.uniform(2, 6)
    return rows @ turn(rng, d) if rng.random() < 0.5 else rows


def near_parallel(rng, n, d):
    """Rows that differ in their direction by 1e-16 to 1e-6."""
    rows = rng.standard_normal((1, d)) * rng.choice([-2.0, -1.0, 0.3, 1.0, 3.0], size=(n, 1))
    return rows + 10.0 ** rng.uniform(-16, -6) * rng.standard_normal((n, d))


def jittered(rng, n, d):
    """Three copies of a few rows, moved a little."""
    rows = np.tile(rng.standard_normal((-(-n // 3), d)), (3, 1))[:n]
    return rows + 10.0 ** rng.uniform(-16, -4) * rng.standard_normal((n, d))


def columns_apart(rng, n, d):
    return rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-6, 6, size=d)


def rows_apart(rng, n, d):
    return rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-2, 2, size=(n, 1))


def rows_far_apart(rng, n, d):
    return rng.standard_normal((n, d)) * rng.choice([1.0, 1e6, 1e-6, 1e12], size=(n, 1))


def underflowing(rng, n, d):
    """Entries and rows whose squares vanish, beside others."""
    rows = rng.integers(-2, 3, size=(n, d)) * 1.0
    rows[rng.random((n, d)) < 0.3] *= 1e-170
    rows[rng.random(n) < 0.3] *= 1e-170
    rows[rng.integers(n), rng.integers(d)] = 1.0
    return rows


def huge(rng, n, d):
    return rng.standard_normal((n, d)) * 1e74


def minute(rng, n, d):
    X = rng.standard_normal((n, d))
    return X / np.abs(X).max() * 1e-74


def one_sample(rng, n, d):
    return rng.standard_normal((1, d))


def few_samples(rng, n, d):
    return rng.standard_normal((max(d - 1, 1), d))


def outlier(rng, n, d):
    rows = rng.standard_normal((n, d))
    rows[rng.integers(n)] *= 1e4
    return rows


def repeated(rng, n, d):
    """Repeated, opposite and zero rows, and multiples that round."""
    rows = rng.standard_normal((max(n // 2, 1), d))
    return rows[rng.integers(len(rows), size=n)] * rng.choice(
        [1.0, -1.0, 0.0, 3.0, 0.1, -0.7], size=(n, 1)
    )


def mirrored(rng, n, d):
    rows = np.round(rng.standard_normal((-(-n // 2), d)), 1)
    return np.concatenate([rows, -rows])


def nearly_one_line(rng, n, d):
    """Rows so close to one line that an oracle may take them for one."""
    rows = rng.standard_normal((1, d)) * rng.choice([-1.0, 1.0, 3.0], size=(n, 1))
    return rows + 10.0 ** rng.uniform(-14, -11.5) * rng.standard_normal((n, d))


def nearly_on_axes(rng, n, d):
    """Rows on the axes, or off them by less than floats tell apart in an angle."""
    rows = np.eye(d)[rng.integers(d, size=n)] * rng.choice([-2.0, -1.0, 1.0, 0.7], size=(n, 1))
    return rows + (10.0 ** rng.uniform(-20, -12)) * rng.integers(-1, 2, size=(n, d))


def gaussian(rng, n, d):
    return rng.standard_normal((n, d))


KINDS = {
    kind.__name__: kind
    for kind in (
        turned_lines,
        grid,
        turned_grid,
        tenths,
        bias_grid,
        low_rank,
        nearly_low_rank,
        near_parallel,
        jittered,
        columns_apart,
        rows_apart,
        rows_far_apart,
        underflowing,
        huge,
        minute,
        one_sample,
        few_samples,
        outlier,
        repeated,
        mirrored,
        gaussian,
        nearly_one_line,
        nearly_on_axes,
    )
}


def targets(rng, X):
    """y (n,) for X: generic, of integers, outside the range of X, of one class, with an outlier."""
    n = len(X)
    which = rng.integers(7)
    if which == 0:
        return rng.integers(-3, 4, size=n).astype(float)
    if which == 1:
        y = rng.standard_normal(n)
        largest = np.abs(X).max(initial=0.0) or 1.0
        return y - X @ np.linalg.lstsq(X / largest, y, rcond=None)[0] / largest
    if which == 2:
        return np.zeros(n)
    if which == 3:
        return np.abs(rng.standard_normal(n))
    y = rng.standard_normal(n)
    if which == 4:
        y[rng.integers(n)] *= 1e4
    if which == 5:
        y = np.round(y, 1)
    return y


@dataclass(frozen=True)
class Case:
    """A training problem, and the kind of trouble it is."""

    kind: str
    X: np.ndarray
    y: np.ndarray
    share: float
    loss: str = "squared"
    sample_weight: np.ndarray | None = None

    @property
    def line(self):
        """The column of X with the largest entry: data of one variable."""
        return self.X[:, np.abs(self.X).max(axis=0).argmax()]


def weights(rng, n):
    """Weights of samples (n,), or None: alike, of integers, some of them 0, far apart."""
    which = rng.integers(5)
    if which == 0:
        return None
    if which == 1:
        return rng.exponential(size=n) + 1e-3
    if which == 2:
        return rng.integers(1, 4, size=n).astype(float)
    some = np.where(rng.random(n) < 0.3, 0.0, rng.exponential(size=n))
    some[rng.integers(n)] = 1.0
    return some if which == 3 else some * 10.0 ** rng.uniform(-7, 7, size=n)


def case(seed, kind, columns=(2, 2), most_rows=9, losses=("squared",), weighted=False):
    """The case of a seed and a kind; `share` is the weight decay as a share of beta_max."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    d = int(rng.integers(columns[0], columns[1] + 1))
    X = KINDS[kind](rng, int(rng.integers(1, most_rows + 1)), d)
    loss = str(rng.choice(losses))
    y = targets(rng, X)
    if loss != "squared":
        y = np.where(y > 0, 1.0, -1.0)
    if np.abs(y).max() < SMALLEST:  # what is left of a projection may be only rounding
        y = np.zeros(len(y))
    share = float(10.0 ** rng.uniform(-6, np.log10(1.1)))
    w = weights(rng, len(X)) if weighted else None
    if w is not None and 0 < np.abs(X[w > 0]).max() < SMALLEST:
        w = None  # what is left without the samples of weight 0 is too small
    return Case(kind, X, y, share, loss, w)


ROWS = (
    "linear_vector",
    "gated_relu",
    "gated_relu_vector",
    "quadratic",
    "linear_attention",
    "circular_convolution",
    "threshold",
    "deep_relu",
)


def row_case(seed, kind, name, most_rows=6):
    """The case of a row of the table, as for its judge: X, y and the share of weight decay."""
    columns = {"linear_attention": 2, "threshold": 3}.get(name, 5)
    made = case(seed, kind, (2, columns), most_rows)
    rng, X, y = np.random.default_rng(seed), made.X, made.y
    if name == "deep_relu":
        X = made.line[:, None]
    if name in ("linear_vector", "gated_relu_vector"):
        y = np.column_stack([y, rng.permutation(y), rng.integers(-2, 3, size=len(y))])
    if name == "linear_attention":  # sequences of one token or two
        tokens = 1 if len(X) % 2 else 2
        largest = np.abs(X).max(initial=0.0)  # whose cube counts
        X = X / largest * largest ** (2 / 3) if largest > 0 else X
        X = X.reshape(-1, tokens, X.shape[1])
        y = rng.permutation(y)[:, None].repeat(2, axis=1).reshape(*X.shape[:2], 2)
    return {"name": name, "X": X.tolist(), "y": y.tolist(), "share": made.share}


def turn(rng, d):
    """An orthogonal matrix (d, d), up to rounding."""
    return np.linalg.qr(rng.standard_normal((d, d)))[0]
