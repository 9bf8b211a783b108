"""Checks of the exercises of notebook 10: training."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.proof.beta_max import beta_max
from hidden_convexity.solvers import train

# What an exact formula may lose to rounding, relatively.
ROUNDING = 1e-6
# The lengths of a trained network come from its fit up to the tolerance of the training; a formula
# that is wrong is off by a tenth at least.
TRAINED = 1e-2


@exercise("10.1")
def above_the_optimum(answer, rng):
    # Objectives over the bound, of the convex program and of the run.
    for certified, objective in [(1 + 1e-6, 1.3), (1.01, 1.05), (1.01, 1.002), (1.2, 7.0)]:
        bound = rng.uniform(0.5, 50)
        given = answer.array(bound * objective, bound * certified, bound, shape=(2,))
        truth = np.array([objective / min(objective, certified), objective]) - 1
        require(
            (np.abs(given - truth) < ROUNDING).all(),
            f"for an objective of {bound * objective:.4f}, a certified one of "
            f"{bound * certified:.4f} and the bound {bound:.4f} the shares are {truth[0]:.4f} and "
            f"{truth[1]:.4f}, not {given[0]:.4f} and {given[1]:.4f}",
        )


@exercise("10.2")
def total_length(answer, rng):
    for n, d, share in [(12, 2, 0.3), (20, 2, 0.05), (15, 3, 0.1)]:
        X, y = rng.normal(size=(n, d)), 3 * rng.normal(size=n)
        beta = share * beta_max(X, y)
        network = train(TrainingProblem(X, y, beta)).network
        lengths = np.linalg.norm(network.hidden_weights, axis=1)
        truth = np.abs(network.output_weights) @ lengths
        given = answer.number(y, network(X), beta)
        require(
            abs(given - truth) < TRAINED * truth,
            f"for an optimal network of {n} samples in {d} dimensions the lengths add up to "
            f"{truth:.3f}, not to {given:.3f}",
        )


@exercise("10.3")
def arrived(answer, rng):
    for bound, share, seconds in [(40.0, 0.01, 1.0), (0.02, 0.1, 3.0), (900.0, 0.001, 0.5)]:
        # Of each run: the moment when it arrives, in units of `seconds`; and how it ends.
        kinds = [(0.5, "stays"), (0.4, "leaves"), (2.0, "stays"), (0.7, "stays"), (None, "never")]
        chosen = [kinds[k] for k in rng.integers(len(kinds), size=9)] + kinds
        curves = [_curve(bound, share, seconds, *kind, rng) for kind in chosen]
        truth = np.mean([moment is not None and moment < 1 for moment, _ in chosen])
        given = answer.number(curves, bound, share, seconds)
        require(
            abs(given - truth) < ROUNDING,
            f"of {len(curves)} runs a share of {truth:.3f} comes within {share:.1%} of the bound "
            f"in time, not {given:.3f}; some come too late, some leave again",
        )


@exercise("10.4")
def new_runs(answer, rng):
    for widths in [(2, 10), (2, 10, 30), (30,)]:
        points = [
            {"method": method, "width": width, "seed": seed}
            for method in ("sgd", "adam")
            for width in widths
            for seed in range(3)
        ]
        for recorded in (0, len(points) // 2, len(points)):
            for failed in sorted({0, recorded // 2}):
                kept = [points[k] for k in rng.permutation(len(points))[:recorded]]
                rows = [
                    point | {"objective": None if k < failed else rng.random(), "seconds": 0.1}
                    for k, point in enumerate(kept)
                ]
                for k, row in enumerate(rows):
                    row["error"] = "ValueError: singular" if k < failed else None
                # A run of an earlier sweep, which is not asked for now.
                old = {"method": "sgd", "width": 77, "seed": 0, "objective": 1.0}
                rows.append(old | {"seconds": 0.1, "error": None})
                given = answer.count(points, rows)
                truth = len(points) - recorded + failed
                require(
                    given == truth,
                    f"of {len(points)} points {recorded} are in the file, {failed} of them failed, "
                    f"beside one point of another sweep: {truth} runs are new, not {given}",
                )


def _curve(bound, share, seconds, moment, then, rng):
    """Rows (seconds, objective) of a run that comes close to the bound at a moment, or never."""
    moment = moment or 0.8
    # Who leaves does so before the seconds are over.
    times = seconds * np.array([0.1, 0.2, 0.3, moment, moment + 0.2, 3.0])
    above = share * rng.uniform(1.1, 9, size=len(times))
    if then != "never":
        above[3] = share * rng.uniform(0.1, 0.9)
    if then == "stays":
        above[4:] = above[3]
    return np.column_stack([times, bound * (1 + above)])
