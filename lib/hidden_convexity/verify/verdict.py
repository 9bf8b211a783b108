"""What a file proves, in one sentence.

No network of the file's kind, of any width, has an objective P below the file's bound. For two
layers P = F(f) + beta/2 sum_j (||w_j||^2 + a_j^2), f = sum_j a_j phi(X w_j), and if
|nu.phi(Xu)| <= beta for all unit vectors u, weak duality says so of the number -F*(-nu), which for
the squared loss sum_i w_i (f_i - y_i)^2 / 2, of samples with weights w_i, is
sum_i nu_i y_i - nu_i^2 / (2 w_i). Of several outputs ||N'phi(Xu)|| <= beta takes its place, and
networks of one variable have their branches in the place of phi(Xu).

Rank 8 and below is checked by cones, any rank by cases if these are few, and in the plane and on
the line any number of samples. Of 2,000 samples in four dimensions, at 0.1 beta_max and a gap of
6e-5, a file has 111 kB and takes 3 s of a processor to check, 6 s to write; of 10,000 samples it
has 480 kB, of which the data are 400, and takes 14 s, and 24 s to write.
"""

import decimal
import sys

import numpy as np

from .archive import read
from .feasibility import height
from .freedom import moved, used
from .rounding import Refused, gamma
from .values import dual_value, objective


def verify(path, data=None):
    """What a file proves, in one sentence; raises Refused, with the name of what does not hold."""
    file = read(path, data)
    low, high = objective(file)
    claim, bound, beta = (float(file[name]) for name in ("objective", "lower_bound", "beta"))
    weights = sum(file[name].size for name in ("hidden_weights", "weights") if name in file)
    leeway = (high - low) + gamma(file["X"].size + weights) * high
    if not low - leeway <= claim <= high + leeway:
        raise Refused("objective", f"{claim:.17g} is claimed, and the network has {high:.17g}")
    known = file["y"], file["nu"], str(file["loss"]), file["sample_weight"]
    value, (way, cost) = dual_value(*known), moved(file)
    # Any loss is at least 0, whatever nu.
    if not bound <= min(max(value - cost, 0.0), high):
        raise Refused("lower_bound", f"{bound:.17g} is claimed, and nu proves at most {value:.17g}")
    height(file, beta, way)
    gap = (high - bound) / high if high > 0 else 0.0
    bound, high = (
        decimal.Context(8, rounding).create_decimal_from_float(value)
        for value, rounding in ((bound, decimal.ROUND_FLOOR), (high, decimal.ROUND_CEILING))
    )
    return (
        f"Proven, rounding included: no {networks(file)} has an objective below {bound}; "
        f"the stored network has {high}, so it is within {gap:.1e}, relative, of the global "
        "optimum."
    )


def networks(file):
    """The networks that the claim is about, in words."""
    if str(file["network"]) == "one variable":
        layers, kind = file["weights"].shape[1] + 1, str(file["activation"])
        kind = "ReLU" if kind == "relu" else "absolute value"
        return (
            f"parallel {kind} network of one variable, {layers} layers and any number of branches "
            f"with free biases on these {len(file['X']):,} samples"
        )
    X, slope, columns = file["X"], float(file["slope"]), used(file)
    (n, *patches, d), linear = X.shape, columns[:-1]
    words = "ReLU network" if slope == 0 else f"network of slope {slope:g} below zero"
    terms = []
    if linear.any():
        chosen = (
            "" if linear.all() else f" in columns {', '.join(map(str, np.flatnonzero(linear)))}"
        )
        terms.append(f"a linear term{chosen}")
    terms += ["a constant"] if columns[-1] else []
    free = f" and, without weight decay, {' and '.join(terms)}," if terms else ""
    outputs = "" if file["y"].ndim == 1 else f", with {file['y'].shape[1]} outputs,"
    where = f"in R^{d}" if not patches else f"of {patches[0]:,} patches in R^{d}, averaged,"
    weighted = "weighted " if (file["sample_weight"] != 1).any() else ""
    return f"two-layer {words} of any width{outputs}{free} on these {n:,} {weighted}samples {where}"


def main(paths):
    """Print the verdict on each file; return the exit status, 0 if all are proven."""
    status = 0 if paths else 2
    for path in paths:
        try:
            print(f"{path}: {verify(path)}")
        except (ValueError, ArithmeticError, MemoryError) as refusal:
            print(f"{path}: REFUSED, {refusal or type(refusal).__name__}", file=sys.stderr)
            status = 1
    return status
