"""Classification with two-layer ReLU networks, as a scikit-learn estimator."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from hidden_convexity.estimators import fitting
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.validation import positive_number
from hidden_convexity.solvers.several_outputs import side_by_side

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
        return self.network_(fitting.inputs(X, self.intercept, self.bias_))

    def predict_proba(self, X):
        """Probabilities (n, classes); of classes one against the rest, rescaled."""
        return self._probabilities(self.decision_function(X))

    def predict(self, X):
        """The most probable class of each row of X (n, d)."""
        outputs = self.decision_function(X)
        chosen = (outputs > 0).astype(int) if outputs.ndim == 1 else outputs.argmax(axis=1)
        return self.classes_[chosen]

    def _probabilities(self, outputs):
        if self.loss_ == "softmax":
            return softmax(outputs, axis=1)
        positive = expit(outputs)
        if outputs.ndim == 1:
            return np.column_stack([1 - positive, positive])
        # Where every model is sure of "the rest", all classes are the same.
        total = positive.sum(axis=1, keepdims=True)
        uniform = np.full_like(positive, 1 / positive.shape[1])
        return np.divide(positive, total, out=uniform, where=total > 0)

    def _checked(self, X, y, sample_weight):
        """X, the number of each label's class (n,), and weights (n,)."""
        fitting.check_options(self)
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

    def _path(self, X, index, weights, shares, seconds):
        """The constant column's entry, and the fits at shares of beta_max."""
        bias, present = fitting.spread_of(X, weights), np.unique(index)
        if len(present) < 2:
            raise ValueError(
                "y must hold at least two classes with a weight above 0 wherever the classifier is "
                f"trained, in folds too, got 1 class: {self.classes_[present[0]]!r}"
            )
        X = fitting.inputs(X, self.intercept, bias)
        kind, several = fitting.resolved(X, len(self.classes_), self), len(self.classes_) > 2
        shared = several and fitting.shares_neurons(X, kind)
        self.formulation_, self.loss_ = kind[0], "softmax" if shared else "logistic"
        labels = index[:, None] == (present if several else present[1:])
        if shared:
            problems = [labels.astype(float)]
        else:
            problems = list(np.where(labels, 1.0, -1.0).T)
        budget, paths, tops = Budget(seconds), [], []
        for done, y in enumerate(problems):
            trainer = fitting.Trainer(X, y, weights, self.loss_, kind, self)
            part = budget.part(1 / (len(problems) - done))
            paths.append(trainer.path(shares, part.seconds))
            tops.append(trainer.beta_max)
        self.beta_max_ = tops[0] if len(tops) == 1 else np.array(tops)
        fits = [together(fits) for fits in zip(*paths, strict=True)]
        if len(present) < len(self.classes_):
            known = present, len(self.classes_)
            fits = [replace(fit, network=OfPresentClasses(fit.network, *known)) for fit in fits]
        return bias, fits

    def _fit_at(self, X, index, weights, beta, budget):
        X, index, weights = fitting.merged(X, index, weights)
        self.bias_, [fit] = self._path(X, index.astype(int), weights, [beta], budget.seconds)
        self.network_ = fit.network
        self.intercept_ = fit.network.intercept if self.intercept == "free" else 0.0
        self.scope_, self.gap_, self.weight_decay_ = fit.scope, fit.gap, fit.weight_decay
        self.objective_, self.lower_bound_ = fit.objective, fit.lower_bound
        fitting.warn_of_gap(self.gap_, self.tol, weights)
        return self


class ConvexReLUClassifier(FittedClassifier):
    """Two-layer ReLU network with cross-entropy and weight decay, by convex optimisation.

    For two classes it minimises sum_i s_i log(1 + exp(-y_i (f(x_i) + b))) + beta/2 sum_j (||w_j||^2
    + a_j^2) with y_i = 1 for the second class and -1 for the first, and weights s_i of the samples.
    More classes have one softmax loss and share neurons; only ReLU networks over sampled patterns
    and proven ones above rank 6 are trained one class against the rest, each to its own
    certificate.

    Parameters
    ----------
    beta : float
        Weight decay, > 0, as a share of `beta_max_`, the smallest one at which the network is
        constant: it predicts the most frequent class. So it depends neither on the number of
        samples nor on the unit of X.
    class_weight : dict, "balanced" or None
        Weights of the classes, by label, which multiply those of their samples. "balanced": such
        that all classes have the same weight in total. None: all 1.
    formulation, scope, gates, intercept, tol, max_seconds, progress, random_state
        As in `ConvexReLURegressor`. For more than two classes a formulation of "auto" is "gated"
        unless `scope` is another than "sampled", and each proof has ten minutes.

    Attributes
    ----------
    classes_ : ndarray
    network_ : ReLUNetwork or GatedSolution
        On X with its constant column if there is one: one output for two classes, else one a class.
    bias_, formulation_, n_features_in_
        As in `ConvexReLURegressor`.
    intercept_ : () or (classes,) ndarray
        The free constants, of the network; 0 otherwise.
    loss_ : {"logistic", "softmax"}
    scope_ : {"global", "searched", "sampled"}
        What the bounds bound, and how far they are proven; the weakest over classes.
    gap_ : float
        Relative duality gap; of classes one against the rest, the largest.
    objective_, lower_bound_ : float
        Of classes one against the rest, the sums.
    beta_max_, weight_decay_ : float or (classes,) ndarray
        As in `ConvexReLURegressor`; one a class where they are trained one against the rest.

    References
    ----------
    Pilanci and Ergen (2020), arXiv:2002.10553, for general convex losses; Sahiner et al. (2021),
    arXiv:2012.13329, for several outputs; Mishkin, Sahiner and Pilanci (2022), arXiv:2202.01331,
    for gated networks.
    """

    def __init__(
        self,
        beta=0.01,
        *,
        class_weight=None,
        formulation="auto",
        scope="auto",
        gates=32,
        intercept="free",
        tol=1e-2,
        max_seconds=None,
        progress=False,
        random_state=0,
    ):
        self.beta = beta
        self.class_weight = class_weight
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

        Warns
        -----
        ConvergenceWarning
            If the gap at the end is above tol.
        UserWarning
            If beta is above 1.
        """
        X, index, weights = self._checked(X, y, sample_weight)
        fitting.warn_of_beta(positive_number(self.beta, "beta"))
        return self._fit_at(X, index, weights, self.beta, Budget(self.max_seconds))


@dataclass(frozen=True)
class OfPresentClasses:
    """A network of the classes that have samples of some weight: others are never predicted.

    Parameters
    ----------
    network : ReLUNetwork or GatedSolution
        With one output a class that is present.
    present : (k,) ndarray of int
    classes : int
        The number of all of them, whose outputs are minus infinity.
    """

    network: object
    present: np.ndarray
    classes: int

    def __call__(self, X):
        return self._among_all(self.network(X))

    @property
    def intercept(self):
        constants = self.network.intercept
        return None if constants is None else self._among_all(constants)

    def _among_all(self, values):
        every = np.full((*values.shape[:-1], self.classes), -np.inf)
        every[..., self.present] = values
        return every


def together(fits):
    """One fit of those of two classes, or of classes one against the rest."""
    if len(fits) == 1:
        return fits[0]
    networks = [one.network for one in fits]
    whole = side_by_side([network.with_free_terms(None, None) for network in networks])
    if networks[0].intercept is not None:
        constants = np.array([float(network.intercept) for network in networks])
        whole = whole.with_free_terms(None, constants)
    return fitting.Fit(
        whole,
        max((one.scope for one in fits), key=STRENGTH.index),
        sum(one.objective for one in fits),
        sum(one.lower_bound for one in fits),
        max(one.gap for one in fits),
        np.array([one.weight_decay for one in fits]),
    )
