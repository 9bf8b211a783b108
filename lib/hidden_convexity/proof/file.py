"""The file format: a NumPy archive without pickles, which `verify` reads by itself."""

import io
import os
from pathlib import Path

import numpy as np

from hidden_convexity import verify
from hidden_convexity.foundations.validation import flag, positive_number
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.parallel_network import ParallelNetwork
from hidden_convexity.problem.parallel_problem import ParallelProblem
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.record import claim, proof_of

# Arrays of a parallel network.
BRANCHES = "weights", "biases", "amplitudes", "constant", "activation"


def save(path, kind, result, extra, tol=None, data=True):
    """Write a result with its proof; see `Solution.save`.

    Parameters
    ----------
    path : path-like
    kind : str
        What `read` is told that it was.
    result
        With `problem`, `network`, `dual_point`, `objective`, `lower_bound` and `scope`.
    extra : dict of str to array_like
        What else belongs to it.
    tol, data
        As in `Solution.save`.
    """
    problem, network, data = result.problem, result.network, flag(data, "data")
    if problem is None or not isinstance(network, ReLUNetwork | ParallelNetwork):
        raise ValueError(
            "only what train and certify return for a ReLUNetwork or a ParallelNetwork can be "
            f"saved, got {type(network).__name__} {'without' if problem is None else 'with'} its "
            "problem"
        )
    stored = branches_as_stored if isinstance(network, ParallelNetwork) else neurons_as_stored
    X, version, weights = stored(problem, network)
    content = {
        "version": version,
        "kind": kind,
        "scope": result.scope,
        "loss": problem.loss,
        "beta": problem.beta,
        "sha256": verify.digest(X, problem.y),
        "objective": result.objective,
        "lower_bound": result.lower_bound,
    }
    content |= weights
    if data:
        content |= {"X": X, "y": problem.y}
    if result.scope == "global":
        tol = None if tol is None else positive_number(tol, "tol")
        nu = np.zeros(problem.y.shape) if result.dual_point is None else result.dual_point
        statement = verify.complete(content | {"X": X, "y": problem.y, "nu": nu})
        content |= proof_of(problem, statement, tol)
    elif result.dual_point is not None:
        content["nu"] = result.dual_point
    archive = io.BytesIO()
    np.savez_compressed(archive, allow_pickle=False, **content, **extra)
    write_atomically(path, archive.getvalue())


def neurons_as_stored(problem, network):
    """X, the version, and a network's arrays: with slope and free terms where these matter."""
    weights = {name: getattr(network, name) for name in ("hidden_weights", "output_weights")}
    outputs = problem.y.shape[1:]
    if problem.sample_weight is not None:
        weights["sample_weight"] = problem.sample_weight
    elif problem.plain and not outputs:
        return problem.X, 1, weights
    columns = claim(problem)
    skip = np.zeros((problem.X.shape[-1], *outputs)) if network.skip is None else network.skip
    constant = np.zeros(outputs) if network.intercept is None else np.asarray(network.intercept)
    if np.concatenate([skip, constant[None]])[~columns.any(axis=1)].any():
        raise ValueError(
            "the network has skip or intercept weights on columns that depend on others, which the "
            "problem leaves out: express them by the others, or train, before saving"
        )
    weights |= {"slope": problem.slope, "skip": skip, "intercept": constant, "free": columns}
    if not outputs and problem.sample_weight is None:
        return problem.X, 2, weights
    network = "several outputs" if outputs else "one output"
    return problem.X, 3, {"network": network, "proof": "cones"} | weights


def branches_as_stored(problem, network):
    """The same of a parallel network."""
    weights = {name: getattr(network, name) for name in BRANCHES}
    return problem.x, 3, {"network": "one variable", "proof": "samples"} | weights


def read(path, data=None):
    """The content of a file, its problem and its network.

    Parameters
    ----------
    path : path-like
    data : pair of array_like, optional
        X and y, for a file that holds only their hash.

    Returns
    -------
    content : dict of str to ndarray
    problem : TrainingProblem or ParallelProblem
    network : ReLUNetwork or ParallelNetwork

    Raises
    ------
    ValueError
        If the file can't be read, is of another version or incomplete, or the data are not its own.
    """
    content = verify.content(path, data)
    try:
        kind = verify.complete(content)
        made = branches_read if str(kind["network"]) == "one variable" else neurons_read
        return content, *made(kind)
    except KeyError as missing:
        raise ValueError(f"{path} is no certificate: it has no {missing}") from missing


def neurons_read(kind):
    """The problem and the network of a file."""
    free, slope = kind["free"].any(axis=1), float(kind["slope"])
    terms = {"skip": bool(free[:-1].any()), "intercept": bool(free[-1])}
    known = kind["X"], kind["y"], float(kind["beta"]), str(kind["loss"])
    weights = {name: kind[name] if has else None for name, has in terms.items()}
    network = ReLUNetwork(kind["hidden_weights"], kind["output_weights"], slope, **weights)
    if (kind["sample_weight"] != 1).any():
        terms["sample_weight"] = kind["sample_weight"]
    return TrainingProblem(*known, slope=slope, **terms), network


def branches_read(kind):
    """The same of a parallel network."""
    weights = {name: kind[name] for name in BRANCHES} | {"activation": str(kind["activation"])}
    network = ParallelNetwork(**weights)
    known = kind["X"], kind["y"], float(kind["beta"]), network.layers, network.activation
    return ParallelProblem(*known), network


def write_atomically(path, content):
    """Write bytes to a file that is, at every moment, the old one or the new one in full."""
    path = Path(path)
    # In the same folder, since a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
