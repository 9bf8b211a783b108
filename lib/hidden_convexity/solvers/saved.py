"""Read back what `Solution.save` and `Certificate.save` wrote."""

from hidden_convexity import proof
from hidden_convexity.proof.certificate import Certificate
from hidden_convexity.solvers import Solution, Step


def load(path, data=None):
    """A solution or certificate from a file.

    It says what the file claims, which is not thereby checked: that is for
    ``python -m hidden_convexity.verify``.

    Parameters
    ----------
    path : path-like
        A file written by `Solution.save` or `Certificate.save`.
    data : pair of array_like, optional
        X and y, for a file that was saved with `data=False`; for networks of one variable x (n,)
        and y.

    Returns
    -------
    Solution or Certificate
        As it was saved, but for the bound of scope "global": it is the file's, which is lower by
        what the checker's rounding and simpler bounds cost (see `Solution.save`).

    Raises
    ------
    ValueError
        If the file can't be read, is of another version or incomplete, or `data` are not its own.
    """
    content, problem, network = proof.read(path, data)
    known = {name: float(content[name]) for name in ("objective", "lower_bound")} | {
        "network": network,
        "scope": str(content["scope"]),
        "problem": problem,
        "dual_point": content.get("nu"),
    }
    if str(content["kind"]) == "certificate":
        return Certificate(direction=content["direction"], **known)
    history = [Step(*row[:3], int(row[3])) for row in content["history"].tolist()]
    interrupted = bool(content["interrupted"])
    return Solution(
        history=history, solver=str(content["solver"]), interrupted=interrupted, **known
    )
