"""Classification with two-layer ReLU networks, as a scikit-learn estimator."""

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hidden_convexity.estimators import fitting
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.problem.training_problem import TrainingProblem
from hidden_convexity.solvers.several_outputs import side_by_side

INTERCEPTS = ("regularised", "none")
# From the strongest claim to the weakest: an answer made of several is as strong as its weakest.
STRENGTH = ("global", "searched", "sampled")


class FittedClassifier(ClassifierMixin, BaseEstimator):
    """What classifiers with a given and with a chosen weight decay share."""

    def decision_function(self, X):
        """Outputs of the network: (n,) for two classes, positive for the second; else (n, classes).

        Parameters
        ----------
        X : (n, d) array_like
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return self.network_(fitting.inputs(X, self.intercept))

    def predict_proba(self, X):
        """Probabilities (n, classes); of several classes, those one against the rest, rescaled."""
        return probabilities(self.decision_function(X))

    def predict(self, X):
        """The most probable class of each row of X (n, d)."""
        outputs = self.decision_function(X)
        chosen = (outputs > 0).astype(int) if outputs.ndim == 1 else outputs.argmax(axis=1)
        return self.classes_[chosen]

    def _checked(self, X, y, sample_weight):
        """X, the number of each label's class (n,), and weights (n,)."""
        fitting.check_options(self, INTERCEPTS)
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "y must hold at least two classes for the classifier to be trained, got 1 class: "
                f"{self.classes_[0]!r}"
            )
        weights = fitting.checked_weights(sample_weight, X)
        known = {"classes": self.classes_, "y": y, "sample_weight": weights}
        with np.errstate(divide="ignore", invalid="ignore"):  # no sample of a class has a weight
            factors = compute_class_weight(self.class_weight, **known)[index]
            return X, index, np.where(weights > 0, weights * factors, 0.0)

    def _trainer(self, X):
        return fitting.Trainer(fitting.inputs(X, self.intercept), self)

    def _fit_at(self, X, index, weights, beta, budget):
        X, index, weights = fitting.merged(X, index, weights)
        trainer, signs = self._trainer(X), signs_of(index, len(self.classes_))
        solutions = []
        for done, y in enumerate(signs):
            part = budget.part(1 / (len(signs) - done))
            problem = problem_of(trainer.X, y, beta, weights)
            solutions.append(trainer(problem, part.seconds))
        networks = [solution.network for solution in solutions]
        self.network_ = side_by_side(networks) if len(networks) > 1 else networks[0]
        self.scope_ = max((solution.scope for solution in solutions), key=STRENGTH.index)
        self.gap_ = max(solution.gap for solution in solutions)
        fitting.warn_of_gap(self.gap_, self.tol, weights)
        return self


class ConvexReLUClassifier(FittedClassifier):
    """Two-layer ReLU network with logistic loss and weight decay, by convex optimisation.

    For two classes it minimises sum_i s_i log(1 + exp(-y_i f(x_i))) + beta/2 sum_j (||w_j||^2 +
    a_j^2) with y_i = 1 for the second class and -1 for the first, and weights s_i of the samples.
    More classes are trained one against the rest, each to its own certificate.

    Parameters
    ----------
    beta : float
        Weight decay, > 0, as in `TrainingProblem`: it is not divided by the number of samples.
    class_weight : dict, "balanced" or None
        Weights of the classes, by label, which multiply those of their samples. "balanced": such
        that all classes have the same weight in total. None: all 1.
    scope : {"auto", "global", "searched", "sampled"}
        What to ask for, as in `ConvexReLURegressor`.
    gates : int
        Random directions drawn where patterns are sampled, >= 1.
    intercept : {"regularised", "none"}
        "regularised": a column of ones is appended to X, so that each neuron has a bias, which is
        decayed like its weights.
    tol : float
        Relative duality gap at which training ends, > 0.
    max_seconds : float or None
        Budget of a fit, > 0, proofs included; `gap_` says how far it came. None: no limit but a
        minute for each proof.
    random_state : int, RandomState or None
        For the directions drawn where patterns are sampled.

    Attributes
    ----------
    classes_ : ndarray
    network_ : ReLUNetwork
        On X with its column of ones if there is one: one output for two classes, else one a class.
    scope_ : {"global", "searched", "sampled"}
        What the bounds bound, and how far they are proven; the weakest over classes.
    gap_ : float
        Relative duality gap; the largest over classes.
    n_features_in_ : int

    Notes
    -----
    One loss for all classes, softmax, is within reach over given patterns: see `train`.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, for general convex losses.
    """

    def __init__(
        self,
        beta=1.0,
        *,
        class_weight=None,
        scope="auto",
        gates=100,
        intercept="regularised",
        tol=1e-4,
        max_seconds=None,
        random_state=0,
    ):
        self.beta = beta
        self.class_weight = class_weight
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
            Labels, of at least two classes.
        sample_weight : (n,) array_like or None
            Weights s_i >= 0, not all 0.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For an option or data out of range, or a proof asked for and out of reach.
        """
        X, index, weights = self._checked(X, y, sample_weight)
        return self._fit_at(X, index, weights, self.beta, Budget(self.max_seconds))


def problem_of(X, signs, beta, weights):
    """One class against the rest."""
    return TrainingProblem(X, signs, beta, "logistic", sample_weight=weights)


def signs_of(index, classes):
    """Labels 0 .. classes - 1 as signs: one row for two classes, else one a class."""
    rows = [1] if classes == 2 else range(classes)
    return np.array([np.where(index == k, 1.0, -1.0) for k in rows])


def probabilities(outputs):
    """Outputs (n,) or (n, classes) of logistic models as probabilities (n, classes)."""
    positive = expit(outputs)
    if outputs.ndim == 1:
        return np.column_stack([1 - positive, positive])
    # Where every model is sure of "the rest", all classes are the same.
    total = positive.sum(axis=1, keepdims=True)
    uniform = np.full_like(positive, 1 / positive.shape[1])
    return np.divide(positive, total, out=uniform, where=total > 0)
