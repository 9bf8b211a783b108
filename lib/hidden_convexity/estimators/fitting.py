"""One fit behind every estimator: which program is within reach, and its solution at some betas."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from hidden_convexity.foundations.reach import OutOfReach
from hidden_convexity.foundations.validation import flag, positive_number, whole_number
from hidden_convexity.geometry.arrangement import Arrangement, count_chambers
from hidden_convexity.geometry.hyperplanes import coordinates
from hidden_convexity.oracle import Exhaustive
from hidden_convexity.oracle.hidden_layer import HiddenLayer
from hidden_convexity.oracle.several_outputs import PROVABLE_RANK
from hidden_convexity.problem.gap import format_gap
from hidden_convexity.problem.network import ReLUNetwork
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers import train_path
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max, train_gated_path

SCOPES = ("auto", "global", "searched", "sampled")
FORMULATIONS = ("auto", "relu", "gated")
INTERCEPTS = ("free", "regularised", "none")
# Samples up to which a proof takes seconds, by rank (measured: see the benchmark), and the number
# of chambers that are listed as soon.
PROVABLE_SAMPLES = {1: np.inf, 2: np.inf, 3: 20_000, 4: 2_000}
LISTABLE = 10_000
# Rank up to which a proof of several classes, as far from separable as may be, takes seconds.
SEVERAL_UP_TO_RANK = 3
# Rank up to which sampled ReLU neurons keep to their cones within seconds: above it, optimal ones
# are tight at too many samples, and gates take their place.
CONES_UP_TO_RANK = 16
# Powers of ten between sample weights, from which on they are a likely cause of a gap: the Gram
# matrices of normal equations keep 16 digits of all of them together.
SPREAD = 6


def check_options(estimator):
    """The options that all estimators share, or an error that names the one that is wrong."""
    positive_number(estimator.tol, "tol")
    if estimator.max_seconds is not None:
        positive_number(estimator.max_seconds, "max_seconds")
    whole_number(estimator.gates, "gates", 1)
    flag(estimator.progress, "progress")
    for name, accepted in (
        ("scope", SCOPES),
        ("formulation", FORMULATIONS),
        ("intercept", INTERCEPTS),
    ):
        given = getattr(estimator, name)
        if not isinstance(given, str) or given not in accepted:
            raise ValueError(f"{name} must be one of {', '.join(accepted)}, got {given!r}")
    if estimator.formulation == "gated" and estimator.scope in ("global", "searched"):
        raise ValueError(
            f'scope must be "auto" or "sampled" for formulation="gated", whose gates are drawn, '
            f"got {estimator.scope!r}"
        )


def warn_of_beta(beta):
    """Warn of a share of beta_max that can only be a weight decay in another unit."""
    if beta > 1:
        warnings.warn(
            f"beta={beta:g} is above 1, the share of beta_max from which on all networks are "
            "constant; for the weight decay of a TrainingProblem, divide it by beta_max_",
            UserWarning,
            stacklevel=3,
        )


def warn_of_gap(gap, tol, weights=None):
    """Warn where training ended before the gap that was asked for."""
    if gap <= tol:
        return
    spread = 0.0 if weights is None else np.ptp(np.log10(weights))
    remedy = (
        f"; the sample weights span {spread:.0f} powers of ten: bring them closer together"
        if spread > SPREAD
        else "; a larger beta, tol or max_seconds lets it end"
    )
    warnings.warn(
        f"training ended at {format_gap(gap)}, above tol={tol:g}: the gap is valid, but a network "
        f"that is better by as much may exist{remedy}",
        ConvergenceWarning,
        stacklevel=4,
    )


def merged(X, y, weights):
    """The same loss with repeated samples made one, of their total weight, in sorted order.

    So the fit depends neither on the order of the samples nor on whether a sample is repeated or
    weighted, not even in its last digit. Samples of weight 0 are left out.
    """
    rows, place = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights)
    rows, total = rows[total > 0], total[total > 0]
    return rows[:, :-1], rows[:, -1], total


def checked_weights(sample_weight, X):
    """Weights (n,) >= 0 of the rows of X, not all 0; ones for None."""
    return _check_sample_weight(sample_weight, X, dtype=float, ensure_non_negative=True)


def mean(losses, weights):
    """The weighted mean; 0 for no samples, which then count for nothing."""
    return float(np.average(losses, weights=weights)) if len(losses) else 0.0


def spread_of(X, weights):
    """The root mean square distance of X's entries from their columns' means; 1 if it is 0.

    A column of it in the place of ones makes biases as cheap as weights in any unit of X.
    """
    centred = X - np.average(X, axis=0, weights=weights)
    size = np.abs(centred).max()
    if not size > 0:
        return 1.0
    return float(size * np.sqrt(np.average(((centred / size) ** 2).mean(axis=1), weights=weights)))


def inputs(X, intercept, bias):
    """The data matrix that the network sees: with a constant column where neurons have biases."""
    return X if intercept == "none" else np.column_stack([X, np.full(len(X), bias)])


@dataclass(frozen=True)
class Fit:
    """A trained network, and what is known of it.

    Attributes
    ----------
    network : ReLUNetwork or GatedSolution
        With its free constant, if there is one.
    scope : {"global", "searched", "sampled"}
    objective, lower_bound, gap : float
    weight_decay : float
        In the unit of `TrainingProblem`.
    """

    network: object
    scope: str
    objective: float
    lower_bound: float
    gap: float
    weight_decay: float


class Trainer:
    """Trains one loss on fixed data, in the strongest scope within reach or in the one asked for.

    Parameters
    ----------
    X : (n, d) ndarray
        Inputs, with the constant column if any.
    y : (n,) or (n, c) ndarray
        Targets; one-hot rows where classes share neurons.
    weights : (n,) ndarray
        Of the samples, > 0.
    loss : {"squared", "logistic", "softmax"}
    kind : (str, str)
        Formulation and scope, of `resolved`.
    options : estimator
        Whose `gates`, `intercept`, `tol`, `progress` and `random_state` are used.
    """

    def __init__(self, X, y, weights, loss, kind, options):
        self.formulation, self.scope = kind
        free = options.intercept == "free"
        self._options = {"tol": options.tol, "progress": options.progress}
        seed = check_random_state(options.random_state).randint(2**31)
        if self.formulation == "gated":
            gates = np.random.default_rng(seed).standard_normal((X.shape[1], options.gates))
            self._gated = X, y, gates
            self._kind = {"loss": loss, "sample_weight": weights, "intercept": free}
            self.beta_max = gated_beta_max(*self._gated, **self._kind)
            return
        self.problem = TrainingProblem(X, y, 1.0, loss, intercept=free, sample_weight=weights)
        if self.scope == "sampled":
            patterns = Arrangement.sample(X, options.gates, seed)
            self._options["patterns"] = patterns
            search = Exhaustive(patterns)
        else:
            self._options["proof"] = self.scope == "global"
            search = HiddenLayer.of(self.problem, proof=False).search
        self.beta_max = search(_residual_of_constant(self.problem)).value

    def path(self, shares, max_seconds):
        """Fits at several shares of beta_max, each started from the one before."""
        # Where a constant fits all, any weight decay will do.
        betas = [float(share) * (self.beta_max or 1.0) for share in shares]
        options = self._options | {"max_seconds": max_seconds}
        if self.formulation == "gated":
            found = train_gated_path(*self._gated, betas, **self._kind, **options)
            networks = found
        else:
            found = self._train_path(betas, options)
            networks = [one.network for one in found]
        return [
            Fit(network, one.scope, one.objective, one.lower_bound, one.gap, beta)
            for network, one, beta in zip(networks, found, betas, strict=True)
        ]

    def _train_path(self, betas, options):
        try:
            return train_path(self.problem, betas, **options)
        except OutOfReach as error:
            other = {"scope": 'scope="searched" or "sampled"', "X": error.ways["X"]}
            raise error.instead(other) from None


def _residual_of_constant(problem):
    """The dual point of the network without neurons, at its best constant."""
    none = ReLUNetwork(problem.X[:0], np.zeros((0, *problem.y.shape[1:])))
    outputs, terms = problem.fitted_outputs(none), problem.free_terms
    residual = problem.loss_residual(outputs)
    return terms.balance(residual, problem.loss_curvature(outputs)) if len(terms) else residual


def resolved(X, classes, options):
    """Formulation and scope that options ask for, or the strongest within reach for data X.

    ReLU networks proven optimal where the rank allows it within seconds; elsewhere neurons that
    keep to the chambers of sampled patterns, up to a rank, and gated networks beyond it and for
    more than two classes.
    """
    formulation, scope = options.formulation, options.scope
    n, rank = len(X), coordinates(X).rows.shape[1]
    if scope == "auto":
        if classes > 2:  # chambers are listed for one output only
            few = rank <= SEVERAL_UP_TO_RANK and n <= PROVABLE_SAMPLES[rank]
        else:
            few = count_chambers(n, rank) <= LISTABLE or n <= PROVABLE_SAMPLES.get(rank, 0)
        scope = "global" if few and formulation != "gated" else "sampled"
    if formulation == "auto":
        slow = classes > 2 or rank > CONES_UP_TO_RANK
        formulation = "gated" if scope == "sampled" and slow else "relu"
    return formulation, scope


def shares_neurons(X, kind):
    """Whether one network of several outputs is within reach, each neuron feeding all of them."""
    formulation, scope = kind
    if formulation == "gated" or scope == "searched":
        return True
    return scope == "global" and coordinates(X).rows.shape[1] <= PROVABLE_RANK
