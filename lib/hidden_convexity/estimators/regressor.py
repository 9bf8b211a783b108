"""Regression with a two-layer ReLU network, as a scikit-learn estimator."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from hidden_convexity.estimators import fitting
from hidden_convexity.estimators.free_constant import with_free_constant
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.problem.training_problem import TrainingProblem

INTERCEPTS = ("regularised", "free", "none")


class FittedRegressor(RegressorMixin, BaseEstimator):
    """What regressors with a given and with a chosen weight decay share."""

    def predict(self, X):
        """Outputs (n,) of the network at X (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return self.network_(fitting.inputs(X, self.intercept)) + self.intercept_

    def _checked(self, X, y):
        fitting.check_options(self, INTERCEPTS)
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        return X, y.astype(float)

    def _trainer(self, X, ones):
        """What trains on X, with a column `ones`, scaled as its rows are, for the biases."""
        A = X if self.intercept == "none" else np.column_stack([X, ones])
        return fitting.Trainer(A, self)

    def _fit_at(self, X, y, weights, beta, budget):
        X, y, weights = _merged(X, y, weights)
        root = np.sqrt(weights)
        trainer = self._trainer(X * root[:, None], root)
        problem = TrainingProblem(trainer.X, y * root, beta)
        if self.intercept == "free":
            [(solution, self.intercept_)] = with_free_constant(
                problem, root, lambda joint: [trainer(joint, budget.seconds)]
            )
        else:
            solution, self.intercept_ = trainer(problem, budget.seconds), 0.0
        self.network_ = solution.network
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
        The free constant; 0 otherwise.
    scope_ : {"global", "searched", "sampled"}
        What the bound bounds, and how far it is proven; see `Solution`.
    gap_ : float
        Relative duality gap, (objective - lower bound) / objective, in that scope.
    objective_, lower_bound_ : float
    n_features_in_ : int

    Notes
    -----
    Sample weights are exact: ReLU networks are positively homogeneous, sqrt(s) f(x) =
    f(sqrt(s) x), so rows of X and y times sqrt(s) give the weighted loss and leave every
    activation pattern as it is.

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
        weights = _check_sample_weight(sample_weight, X, dtype=float, ensure_non_negative=True)
        return self._fit_at(X, y, weights, self.beta, Budget(self.max_seconds))


def _merged(X, y, weights):
    """The same loss with repeated samples made one, of their total weight, in sorted order.

    So the fit depends neither on the order of the samples nor on whether a sample is repeated or
    weighted, not even in its last digit.
    """
    rows, place = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights)
    rows, total = rows[total > 0], total[total > 0]
    return rows[:, :-1], rows[:, -1], total
