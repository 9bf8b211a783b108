"""Regression with a two-layer ReLU network, as a scikit-learn estimator."""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hidden_convexity.estimators import fitting
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.validation import positive_number
from hidden_convexity.problem.network import ReLUNetwork


class FittedRegressor(RegressorMixin, BaseEstimator):
    """What regressors with a given and with a chosen weight decay share."""

    def predict(self, X):
        """Outputs (n,) of the network at X (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return self.network_(fitting.inputs(X, self.intercept, self.bias_))

    def _checked(self, X, y):
        fitting.check_options(self)
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        return X, y.astype(float)

    def _path(self, X, y, weights, shares, seconds):
        """The constant column's entry, and the fits at shares of beta_max."""
        bias = fitting.spread_of(X, weights)
        X = fitting.inputs(X, self.intercept, bias)
        # Targets are counted from one of them where a constant is free: of equal ones 0 is left.
        level = float(np.sort(y)[len(y) // 2]) if self.intercept == "free" else 0.0
        kind = fitting.resolved(X, 1, self)
        trainer = fitting.Trainer(X, y - level, weights, "squared", kind, self)
        fits = trainer.path(shares, seconds)
        self.beta_max_, self.formulation_ = trainer.beta_max, trainer.formulation
        if self.intercept != "free":
            return bias, fits
        return bias, [replace(one, network=_lifted(one.network, level)) for one in fits]

    def _fit_at(self, X, y, weights, beta, budget):
        X, y, weights = fitting.merged(X, y, weights)
        self.bias_, [fit] = self._path(X, y, weights, [beta], budget.seconds)
        self.network_ = fit.network
        self.intercept_ = float(fit.network.intercept) if self.intercept == "free" else 0.0
        self.scope_, self.gap_, self.weight_decay_ = fit.scope, fit.gap, fit.weight_decay
        self.objective_, self.lower_bound_ = fit.objective, fit.lower_bound
        fitting.warn_of_gap(self.gap_, self.tol, weights)
        return self


def _lifted(network, level):
    """The network with a level added to its constant."""
    constant = float(network.intercept) + level
    if isinstance(network, ReLUNetwork):
        return network.with_free_terms(None, constant)
    return replace(network, intercept=constant)


class ConvexReLURegressor(FittedRegressor):
    """Two-layer ReLU network with weight decay, trained by convex optimisation.

    Minimises 1/2 sum_i s_i (f(x_i) + b - y_i)^2 + beta/2 sum_j (||w_j||^2 + a_j^2) over constants b
    and the networks f(x) = sum_j a_j (x.w_j)_+ of every width, or over those whose neurons have
    sampled activation patterns. There is no width, no learning rate and no seed of a descent to
    choose.

    Parameters
    ----------
    beta : float
        Weight decay, > 0, as a share of `beta_max_`, the smallest one at which the network is
        constant. So it depends neither on the number of samples nor on the units of X and y.
    formulation : {"auto", "relu", "gated"}
        "relu": ReLU networks. "gated": networks whose neurons a_j 1[x.g_j > 0] x.w_j are switched
        by random gates g_j, a relaxation that trains faster where the rank is high; its bound is
        one over networks with these gates. "auto": "relu" where it is trained within seconds, that
        is where `scope` is not "sampled", and up to rank 16; "gated" elsewhere.
    scope : {"auto", "global", "searched", "sampled"}
        What to ask for. "global": the proven optimum over networks of every width. "searched": the
        same without the proof. "sampled": the proven optimum over networks with the patterns of
        random directions. "auto": "global" where rank and number of samples allow it within
        seconds, "sampled" elsewhere.
    gates : int
        Random directions drawn where patterns are sampled, >= 1.
    intercept : {"free", "regularised", "none"}
        "free": the output has a constant without penalty, and X gets a constant column, so that
        each neuron has a bias, which is decayed like its weights. "regularised": the column
        without the constant. "none": no bias at all.
    tol : float
        Relative duality gap at which training ends, > 0.
    max_seconds : float or None
        Budget of a fit, > 0, proofs included; `gap_` says how far it came. None: no limit but a
        minute for each proof.
    progress : bool
        Show progress bars on stderr.
    random_state : int, RandomState or None
        For the directions drawn where patterns are sampled.

    Attributes
    ----------
    network_ : ReLUNetwork or GatedSolution
        The trained network, on X with its constant column if there is one.
    bias_ : float
        What the constant column holds: the root mean square distance of the entries of X from the
        means of their columns. So biases are as cheap as weights in any unit of X.
    intercept_ : float
        The free constant, of the network; 0 otherwise.
    formulation_ : {"relu", "gated"}
    scope_ : {"global", "searched", "sampled"}
        What the bound bounds, and how far it is proven; see `Solution`.
    gap_ : float
        Relative duality gap, (objective - lower bound) / objective, in that scope.
    objective_, lower_bound_ : float
    beta_max_ : float
        Of the program; found by search where `scope_` is not "sampled", so that with beta = 1 a
        neuron may be left.
    weight_decay_ : float
        beta times beta_max_: the beta of the `TrainingProblem`.
    n_features_in_ : int

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1; Mishkin, Sahiner and Pilanci (2022),
    arXiv:2202.01331, for gated networks.
    """

    def __init__(
        self,
        beta=0.01,
        *,
        formulation="auto",
        scope="auto",
        gates=32,
        intercept="free",
        tol=1e-4,
        max_seconds=None,
        progress=False,
        random_state=0,
    ):
        self.beta = beta
        self.formulation = formulation
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Train.

        Parameters
        ----------
        X : (n, d) array_like
        y : (n,) array_like
        sample_weight : (n,) array_like or None
            Weights s_i >= 0, not all 0.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For an option or data out of range, or a proof asked for and out of reach.

        Warns
        -----
        ConvergenceWarning
            If the gap at the end is above tol: for want of seconds, or of digits, as where sample
            weights differ by factors of 1e10.
        UserWarning
            If beta is above 1.
        """
        X, y = self._checked(X, y)
        weights = fitting.checked_weights(sample_weight, X)
        fitting.warn_of_beta(positive_number(self.beta, "beta"))
        return self._fit_at(X, y, weights, self.beta, Budget(self.max_seconds))
