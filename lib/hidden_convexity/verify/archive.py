"""A certificate as a NumPy archive: its arrays, complete, finite, and of fitting shapes."""

import hashlib

import numpy as np

from .rounding import Refused

# 1: ReLU networks on data (n, d); 2: with what `OTHERS` has, too; 3: and with `WEIGHTS`
VERSIONS = "1", "2", "3"
MAX_RANK = 8
LOSSES = "squared", "logistic", "hinge"
SHAPES = {
    "y": "n", "nu": "n", "hidden_weights": "md", "output_weights": "m", "basis": "dr",
    "beta": "", "objective": "", "lower_bound": "",
}  # fmt: skip
OTHERS = {"slope": "", "skip": "d", "intercept": "", "free": "cq"}
WEIGHTS = {"sample_weight": "n"}


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
    """The arrays, with those of `OTHERS` and `WEIGHTS` that stand for what a file leaves out."""
    n, d = len(found["X"]), found["X"].shape[-1]
    plain = {"slope": 0.0, "skip": np.zeros(d), "intercept": 0.0, "free": np.zeros((d + 1, 0))}
    plain["sample_weight"] = np.ones(n)
    return {name: np.asarray(array) for name, array in plain.items()} | found


def read(path, data=None):
    """The arrays of a file that claims a global bound."""
    found, sizes = content(path, data), {}
    scope, loss, splits = (found.get(name, np.array(None)) for name in ("scope", "loss", "splits"))
    if str(scope) != "global":
        raise Refused("scope", f'it is "{scope}": nothing global is claimed or proven')
    version, shapes = int(found["version"]), SHAPES
    for since, more in ((2, OTHERS), (3, WEIGHTS)):
        if (version >= since) != (more.keys() <= found.keys()):
            raise Refused("version", f"only {since} and above have, and must, {', '.join(more)}")
        shapes = shapes | (more if version >= since else {})
    patches = found["X"].ndim == 3 and version >= 2
    for name, letters in ({"X": "nkd" if patches else "nd"} | shapes).items():
        array = found.get(name, splits)
        if array.dtype != np.float64 or array.ndim != len(letters) or not np.isfinite(array).all():
            raise Refused(name, f"it must be finite, of type float64, in {len(letters)} dimensions")
        if any(sizes.setdefault(*pair) != pair[1] for pair in zip(letters, array.shape)):  # noqa: B905
            raise Refused(name, f"its shape is {array.shape}, and other arrays have {sizes}")
    if not 2 <= sizes["r"] <= MAX_RANK or found["X"].size == 0:
        raise Refused("basis", f"it has {sizes['r']} columns, and 2 to {MAX_RANK} can be checked")
    if sizes.get("c", sizes["d"] + 1) != sizes["d"] + 1:
        raise Refused("free", "it must have a row for each column of X, and one for the constant")
    if not found["beta"] > 0 or splits.dtype != np.uint8 or splits.ndim != 1:
        raise Refused("splits" if found["beta"] > 0 else "beta", "it must be positive, or bytes")
    if str(loss) not in LOSSES:
        raise Refused("loss", f"it is {loss}, and must be one of {', '.join(LOSSES)}")
    if str(loss) != "squared" and (np.abs(found["y"]) != 1).any():
        raise Refused("y", f"labels of the {loss} loss must be -1 or 1")
    found = complete(found)
    if not (found["sample_weight"] > 0).all():
        raise Refused("sample_weight", "it must be positive")
    return found
