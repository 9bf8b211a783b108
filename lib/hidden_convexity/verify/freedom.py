"""What free terms, a linear term X b and a constant without weight decay, ask of a dual point.

With Z their columns on the data, Z'nu = 0 is needed exactly, as b is any vector; the stored nu has
it up to rounding. The bound is therefore that of a point near nu that is orthogonal to Z. For a
square matrix T let G = Z T and H > 0 be weights of the samples. If ||G'HG - I|| <= 1/2 then T is
regular, G spans what Z spans, and nu - H G e with e = (G'HG)^-1 G'nu is that point, with
||e|| <= 2 ||G'nu||. So entry i moves by at most H_i theta_i, theta_i = 2 ||G'nu|| ||G_i||.
"""

import math

import numpy as np

from .line import lacking
from .rounding import SAFE, Refused, U, gamma, lengths


def used(file):
    """Which columns, of X and then the constant, the claim is about: rows of T that are not 0."""
    columns = file["free"].any(axis=1)
    if columns.sum() != file["free"].shape[1]:
        raise Refused("free", "it must have as many columns as rows that are not zero")
    if np.concatenate([file["skip"], file["intercept"][None]])[~columns].any():
        raise Refused("skip", "the network has free weights that the claim leaves out")
    return columns


def moved(file):
    """How far rows of nu are from those of a feasible point (n,), and what its value may lack.

    With several outputs and the squared loss it is one point for each of them. With the softmax
    loss the rows of y - nu / w are to be probabilities, see `balanced`.

    With weights w of the samples, H = w for the squared loss, and in the norm sum nu_i^2 / w_i the
    point is a projection, no longer than nu, so the value changes by that of nu.y at most. For the
    logistic loss H = w p (1 - p) with p = nu y / w. If theta <= 1/2, p keeps half of its distances
    to 0 and 1, between which the slope of the entropy is at most |log(p / 2)| + |log((1 - p) / 2)|.
    Where w is not 1, p is rounded, and 1 - p may be half as large or half as large again as it
    is: theta <= 1/4 and a slope that is larger by one make up for that.
    """
    if str(file["network"]) == "one variable":
        return np.zeros(len(file["X"])), lacking(file["y"], file["nu"])
    X, y, nu, w = (file[name] for name in ("X", "y", "nu", "sample_weight"))
    chosen = used(file)
    if str(file["loss"]) == "softmax":
        if chosen.any():
            raise Refused("free", "there is no proof for free terms with the softmax loss")
        return balanced(nu, w)
    if y.ndim == 2 and chosen.any():
        ways, costs = zip(*map(moved, one_by_one(file)), strict=True)
        return SAFE * lengths(np.transpose(ways)), SAFE * math.fsum(costs)
    n, K, q, norm = len(X), (1 if X.ndim == 2 else X.shape[1]), chosen.sum(), np.linalg.norm
    if q == 0 or not nu.any():
        return np.zeros(n), 0.0
    if str(file["loss"]) == "hinge":
        raise Refused("free", "nothing is proven of free terms with the hinge loss")
    T = file["free"][chosen]
    Z, sizes = (  # sums over patches: K times the averages
        np.column_stack([data.reshape(n, K, -1).sum(axis=1), np.ones(n)])[:, chosen]
        for data in (X, np.abs(X))
    )
    squared = str(file["loss"]) == "squared"
    p, rounded = np.full(n, 0.5) if squared else nu * y / w, w != 1
    H = w if squared else w * (p * (1.0 - p))
    with np.errstate(all="ignore"):
        G = Z @ T
        values, vectors = np.linalg.eigh(np.nan_to_num(G.T @ (H[:, None] * G)))
        T = T @ (vectors / np.sqrt(values))  # any T will do, and this one makes G'HG close to I
        G = Z @ T
        error = SAFE * gamma(q + K + 2) * (sizes @ np.abs(T))
        length, wrong = norm(np.abs(G) + error, axis=1), norm(error, axis=1)
        skew = norm(G.T @ (H[:, None] * G) - np.eye(q))
        skew += gamma(n + q + 8) * (H @ length**2) + 2 * (H @ (length * wrong))
        along = np.array([math.fsum(nu * z) for z in Z.T])
        off = gamma(K + 4) * (np.abs(nu) @ sizes + np.abs(along))
        size = lengths(np.abs(T.T @ along) + np.abs(T.T) @ (off + gamma(q + 2) * np.abs(along)))
        theta = SAFE * 2 * size * length
    near = squared or (theta < np.where(rounded, 0.25, 0.5)).all()
    if not SAFE * skew <= 0.5 or not np.isfinite(theta).all() or not near:
        raise Refused("free", "no point near nu is shown to be orthogonal to the free columns")
    way, inside = SAFE * H * theta, (p > 0) & (p < 1)
    slope = rounded[inside] - np.log(0.5 * p[inside]) - np.log(0.5 * (1.0 - p[inside]))
    cost = way @ np.abs(y) if squared else way[inside] @ slope
    return way, SAFE * (1 + gamma(n + 8)) * float(cost)


def one_by_one(file):
    """The statement for each output by itself."""
    for k in range(file["y"].shape[1]):
        columns = {name: file[name][..., k] for name in ("y", "nu", "skip", "intercept")}
        yield file | columns


def balanced(nu, w):
    """The same for the softmax loss: y - nu / w is made to add up to 1 in each row.

    The largest of c probabilities, at least 1 / c but for rounding, takes what is missing. If that
    is less than 1 / (4 c), the slope of the entropy on the way is at most 1 + log(2 c).
    """
    way = (1 + 4 * U) * np.abs([math.fsum(row) for row in nu])
    if (way / w).max() > 0.25 / nu.shape[1]:
        raise Refused(
            "nu", "the rows of y - nu / w must be probabilities, and add up to something else"
        )
    return way, SAFE * math.fsum(way) * (1 + math.log(2 * nu.shape[1]))
