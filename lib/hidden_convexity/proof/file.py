"""The file format: a NumPy archive without pickles, which `verify` reads by itself."""

import io
import os
from pathlib import Path

import numpy as np

from hidden_convexity import verify
from hidden_convexity.foundations.validation import flag, positive_number
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.record import claim, proof_of


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
    if problem is None or not isinstance(network, ReLUNetwork):
        raise ValueError(
            "only what train and certify return for a ReLUNetwork can be saved, got "
            f"{type(network).__name__} {'without' if problem is None else 'with'} its problem"
        )
    if result.scope == "global" and problem.y.ndim == 2:
        raise ValueError(
            "a file for the checker takes proofs for one output, y of shape (n,); with several, "
            f"as in {problem!r}, keep the solution or certificate itself, by pickle for example"
        )
    content = {
        "version": _version(problem),
        "kind": kind,
        "scope": result.scope,
        "loss": problem.loss,
        "beta": problem.beta,
        "sha256": verify.digest(problem.X, problem.y),
        "hidden_weights": network.hidden_weights,
        "output_weights": network.output_weights,
        "objective": result.objective,
        "lower_bound": result.lower_bound,
    }
    if content["version"] > 1:
        content |= as_stored(problem, network)
    if content["version"] > 2:
        content["sample_weight"] = problem.sample_weight
    if data:
        content |= {"X": problem.X, "y": problem.y}
    if result.scope == "global":
        tol = None if tol is None else positive_number(tol, "tol")
        nu = np.zeros(len(problem.y)) if result.dual_point is None else result.dual_point
        known = result.objective, result.lower_bound
        proof = proof_of(problem, nu, *known, tol)
        content |= dict(zip(("nu", "lower_bound", "basis", "splits"), proof, strict=True))
    elif result.dual_point is not None:
        content["nu"] = result.dual_point
    archive = io.BytesIO()
    np.savez_compressed(archive, allow_pickle=False, **content, **extra)
    write_atomically(path, archive.getvalue())


def _version(problem):
    """Of the file's format: the first that has what the problem needs."""
    if problem.sample_weight is not None:
        return 3
    return 1 if problem.plain else 2


def as_stored(problem, network):
    """What a file of version 2 has besides: slope, free weights, and the columns that are free."""
    columns = claim(problem)
    skip = np.zeros(problem.X.shape[-1]) if network.skip is None else network.skip
    constant = 0.0 if network.intercept is None else float(network.intercept)
    if np.append(skip, constant)[~columns.any(axis=1)].any():
        raise ValueError(
            "the network has skip or intercept weights on columns that depend on others, which the "
            "problem leaves out: express them by the others, or train, before saving"
        )
    return {"slope": problem.slope, "skip": skip, "intercept": constant, "free": columns}


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
    problem : TrainingProblem
    network : ReLUNetwork

    Raises
    ------
    ValueError
        If the file can't be read, is of another version or incomplete, or the data are not its own.
    """
    content = verify.content(path, data)
    try:
        kind = verify.complete(content)
        free, slope = kind["free"].any(axis=1), float(kind["slope"])
        terms = {"skip": bool(free[:-1].any()), "intercept": bool(free[-1])}
        known = content["X"], content["y"], float(content["beta"]), str(content["loss"])
        terms["sample_weight"] = content.get("sample_weight")
        problem = TrainingProblem(*known, slope=slope, **terms)
        weights = {name: kind[name] if terms[name] else None for name in ("skip", "intercept")}
        network = ReLUNetwork(
            content["hidden_weights"], content["output_weights"], slope, **weights
        )
    except KeyError as missing:
        raise ValueError(f"{path} is no certificate: it has no {missing}") from missing
    return content, problem, network


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
