"""A certificate as a NumPy archive: its arrays, complete, finite, and of fitting shapes."""

import hashlib

import numpy as np

from .rounding import Refused

# 1: ReLU networks of one output on data (n, d), by cones; 2: the same with what `OTHERS` has, too;
# 3: says which network and which proof, and may weigh the samples.
VERSIONS = "1", "2", "3"
MAX_RANK = 8
# The largest entry of data, targets and weights, each weight, and the weight decay: beyond, squares
# and products vanish or overflow, and what is charged for rounding is not all of it.
ORDINARY, ORDINARY_BETA, STEEPEST_SLOPE = (1e-75, 1e75), (1e-150, 1e150), -1e6
COMMON = {"y": "n", "nu": "n", "beta": "", "objective": "", "lower_bound": ""}
WEIGHTS = {"sample_weight": "n"}
OTHERS = {"slope": "", "skip": "d", "intercept": "", "free": "cq"}
ONE_OUTPUT = COMMON | {"hidden_weights": "md", "output_weights": "m"}
SEVERAL = {"y": "no", "nu": "no", "output_weights": "mo", "skip": "do", "intercept": "o"}
BRANCHES = {"X": "n", "weights": "mh", "biases": "mh", "amplitudes": "m", "constant": ""}
NETWORKS = {
    "one output": (ONE_OUTPUT | OTHERS, ("cones", "cases"), ("squared", "logistic", "hinge")),
    "several outputs": (ONE_OUTPUT | OTHERS | SEVERAL, ("cones",), ("squared", "softmax")),
    "one variable": (COMMON | BRANCHES, ("samples",), ("squared",)),
}
# What a proof has besides: floats, and lists of whole numbers.
CASES = dict.fromkeys(("lines", "codes", "cases", "rows"), np.uint32)
PROOFS = {
    "cones": ({"basis": "dr"}, {"splits": np.uint8}),
    "cases": ({"multipliers": "e"}, CASES),
    "samples": ({}, {}),
}


def content(path, data=None):
    """The arrays of a file; `data` is a pair X, y where the file holds only their hash."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged archive makes NumPy raise all kinds
        raise Refused("file", f"it cannot be read ({type(error).__name__}: {error})") from error
    if str(found.get("version")) not in VERSIONS:
        raise Refused("version", f"it is {found.get('version')}, and this reads {VERSIONS}")
    if data is not None:
        found["X"], found["y"] = (np.asarray(array, dtype=float) for array in data)
    if not {"X", "y"} <= found.keys():
        raise Refused("data", "the file holds only their hash, so X and y must be given too")
    if {found["X"].dtype, found["y"].dtype} != {np.dtype(float)}:
        raise Refused("data", "X and y must be of type float64")
    if str(found.get("sha256")) != digest(found["X"], found["y"]):
        raise Refused("sha256", "X and y are not the data that the file was written for")
    return found


def digest(X, y):
    """SHA-256 of the data."""
    arrays = (np.ascontiguousarray(array, "<f8").tobytes() for array in (X, y))
    return hashlib.sha256(f"{X.shape} {y.shape} ".encode() + b"".join(arrays)).hexdigest()


def complete(found):
    """The arrays, with those that stand for ReLU networks on data (n, d) of equal samples."""
    d = found["X"].shape[-1]
    plain = {"slope": 0.0, "skip": np.zeros(d), "intercept": 0.0, "free": np.zeros((d + 1, 0))}
    plain |= {"network": "one output", "proof": "cones", "sample_weight": np.ones(len(found["X"]))}
    return {name: np.asarray(array) for name, array in plain.items()} | found


def read(path, data=None):
    """The arrays of a file that claims a global bound."""
    found = content(path, data)
    version, scope = str(found["version"]), str(found.get("scope"))
    if scope != "global":
        raise Refused("scope", f'it is "{scope}": nothing global is claimed or proven')
    network, proof = "one output", "cones"
    if version == "3":
        network, proof = str(found.get("network")), str(found.get("proof"))
    elif found.keys() & {"network", "proof"}:
        raise Refused("version", "only 3 says which network and which proof it has")
    elif found.keys() & OTHERS.keys() != (OTHERS.keys() if version == "2" else set()):
        raise Refused("version", f"only 2 has, and must have, {', '.join(OTHERS)}")
    weighted = WEIGHTS.keys() & found.keys()
    if weighted and (version != "3" or network == "one variable"):
        raise Refused("sample_weight", "networks of one variable and versions 1, 2 have none")
    if network not in NETWORKS:
        raise Refused("network", f"it is {network}, and must be one of {', '.join(NETWORKS)}")
    shapes, proofs, losses = NETWORKS[network]
    if proof not in proofs:
        raise Refused("proof", f"it is {proof}, and must be one of {', '.join(proofs)}")
    patches = found["X"].ndim == 3 and version != "1"
    shapes = {"X": "nkd" if patches else "nd"} | (ONE_OUTPUT if version == "1" else shapes)
    shapes |= WEIGHTS if weighted else {}
    floats, integers = PROOFS[proof]
    sizes = checked_shapes(found, shapes | floats)
    for name, kind in integers.items():
        if name not in found or found[name].dtype != kind or found[name].ndim != 1:
            raise Refused(name, f"it must be a list of numbers of type {np.dtype(kind)}")
    if not found["beta"] > 0:
        raise Refused("beta", "it must be positive")
    if found["X"].size == 0 or found["y"].size == 0:
        raise Refused("X" if found["X"].size == 0 else "y", "it must not be empty")
    if proof == "cones" and not 2 <= sizes["r"] <= MAX_RANK:
        raise Refused("basis", f"it has {sizes['r']} columns, and 2 to {MAX_RANK} can be checked")
    if "c" in sizes and sizes["c"] != sizes["d"] + 1:
        raise Refused("free", "it must have a row for each column of X, and one for the constant")
    check_loss(str(found.get("loss")), losses, found["y"])
    if network == "one variable":
        check_branches(found)
    found = complete(found) | {"network": np.array(network), "proof": np.array(proof)}
    if not (found["sample_weight"] > 0).all():
        raise Refused("sample_weight", "it must be positive")
    check_ranges(found)
    return found


def check_ranges(found):
    """Refuse numbers of which products may vanish or overflow; data and targets may be zero."""
    weights = found["sample_weight"]
    for name, array in (
        ("X", found["X"]),
        ("y", found["y"]),
        ("sample_weight", weights),
        ("sample_weight", weights.min()),
    ):
        largest, (low, high) = np.abs(array).max(), ORDINARY
        if largest and not low <= largest <= high:
            raise Refused(name, f"of its entries none may be above {high:g}, nor all below {low:g}")
    low, high = ORDINARY_BETA
    if not low <= found["beta"] <= high:
        raise Refused("beta", f"it must be between {low:g} and {high:g}")
    if not STEEPEST_SLOPE <= found["slope"] < 1:
        raise Refused("slope", f"it must be at least {STEEPEST_SLOPE:g}, and below 1")


def check_loss(loss, losses, y):
    """Refuse a loss that does not go with the network, or targets that do not go with the loss."""
    if loss not in losses:
        raise Refused("loss", f"it is {loss}, and must be {' or '.join(losses)}")
    if loss in ("logistic", "hinge") and (np.abs(y) != 1).any():
        raise Refused("y", f"labels of the {loss} loss must be -1 or 1")
    if loss == "softmax" and not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()):
        raise Refused("y", "labels of the softmax loss must have a single 1 in each row, and zeros")


def checked_shapes(found, shapes):
    """Sizes of the letters, where all arrays are there, finite, of floats, and fit together."""
    sizes, missing = {}, np.array(None)
    for name, letters in shapes.items():
        array = found.get(name, missing)
        if array.dtype != np.float64 or array.ndim != len(letters) or not np.isfinite(array).all():
            raise Refused(name, f"it must be finite, of type float64, in {len(letters)} dimensions")
        if any(sizes.setdefault(*pair) != pair[1] for pair in zip(letters, array.shape)):  # noqa: B905
            raise Refused(name, f"its shape is {array.shape}, and other arrays have {sizes}")
    return sizes


def check_branches(found):
    """Refuse a network of one variable that is none."""
    layers, activation = found["weights"].shape[1] + 1, str(found.get("activation"))
    if layers < 2:
        raise Refused("weights", "a branch must have a neuron")
    if activation not in ("relu", "absolute") or (activation == "relu" and layers > 2):
        raise Refused("activation", f"it is {activation}, with {layers} layers of weights")
