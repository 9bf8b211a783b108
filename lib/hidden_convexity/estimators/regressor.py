"""Regression with a two-layer ReLU network, as a scikit-learn estimator."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hidden_convexity.estimators import fitting
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.problem.training_problem import TrainingProblem

INTERCEPTS = ("regularised", "free", "none")


class FittedRegressor(RegressorMixin, BaseEstimator):
    """What regressors with a given and with a chosen weight decay share."""

    def predict(self, X):
        """Outputs (n,) of the network at X (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return self.network_(fitting.inputs(X, self.intercept))

    def _checked(self, X, y):
        fitting.check_options(self, INTERCEPTS)
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        return X, y.astype(float)

    def _trainer(self, X):
        return fitting.Trainer(fitting.inputs(X, self.intercept), self)

    def _level(self, y):
        """A target to count the others from where a constant is free: of equal ones 0 is left."""
        return float(np.sort(y)[len(y) // 2]) if self.intercept == "free" else 0.0

    def _problem(self, X, y, beta, weights):
        free = self.intercept == "free"
        return TrainingProblem(X, y, beta, intercept=free, sample_weight=weights)

    def _fit_at(self, X, y, weights, beta, budget):
        X, y, weights = fitting.merged(X, y, weights)
        trainer, level = self._trainer(X), self._level(y)
        solution = trainer(self._problem(trainer.X, y - level, beta, weights), budget.seconds)
        self.network_, self.intercept_ = solution.network, 0.0
        if self.intercept == "free":
            self.intercept_ = float(solution.network.intercept) + level
            self.network_ = solution.network.with_free_terms(None, self.intercept_)
        self.scope_, self.gap_ = solution.scope, solution.gap
        self.objective_, self.lower_bound_ = solution.objective, solution.lower_bound
        fitting.warn_of_gap(self.gap_, self.tol, weights)
        return self


class ConvexReLURegressor(FittedRegressor):
    """Two-layer ReLU network with weight decay, trained by convex optimisation.

    Minimises 1/2 sum_i s_i (f(x_i) - y_i)^2 + beta/2 sum_j (||w_j||^2 + a_j^2) over the networks
    f(x) = sum_j a_j (x.w_j)_+ of every width, or over those whose neurons have sampled activation
    patterns. There is no width, no learning rate and no seed of a descent to choose.

    Parameters
    ----------
    beta : float
        Weight decay, > 0, as in `TrainingProblem`: it is not divided by the number of samples.
    scope : {"auto", "global", "searched", "sampled"}
        What to ask for. "global": the proven optimum over networks of every width. "searched": the
        same without the proof, in any dimension. "sampled": the proven optimum over networks with
        the patterns of random directions. "auto": "global" where rank and number of samples allow
        it within seconds, "sampled" elsewhere.
    gates : int
        Random directions drawn where patterns are sampled, >= 1.
    intercept : {"regularised", "free", "none"}
        "regularised": a column of ones is appended to X, so that each neuron has a bias, which is
        decayed like its weights. "free": the same, and a constant without penalty is added to the
        output. "none": no bias at all.
    tol : float
        Relative duality gap at which training ends, > 0.
    max_seconds : float or None
        Budget of a fit, > 0, proofs included; `gap_` says how far it came. None: no limit but a
        minute for each proof.
    random_state : int, RandomState or None
        For the directions drawn where patterns are sampled.

    Attributes
    ----------
    network_ : ReLUNetwork
        The trained network, on X with its column of ones if there is one.
    intercept_ : float
        The free constant, of the network; 0 otherwise.
    scope_ : {"global", "searched", "sampled"}
        What the bound bounds, and how far it is proven; see `Solution`.
    gap_ : float
        Relative duality gap, (objective - lower bound) / objective, in that scope.
    objective_, lower_bound_ : float
    n_features_in_ : int

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, Theorem 1.
    """

    def __init__(
        self,
        beta=1.0,
        *,
        scope="auto",
        gates=100,
        intercept="regularised",
        tol=1e-4,
        max_seconds=None,
        random_state=0,
    ):
        self.beta = beta
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
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
            If the gap at the end is above tol: of sample weights that differ by factors of 1e10,
            double precision keeps too few digits.
        """
        X, y = self._checked(X, y)
        weights = fitting.checked_weights(sample_weight, X)
        return self._fit_at(X, y, weights, self.beta, Budget(self.max_seconds))
