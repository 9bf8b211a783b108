"""The same estimators with their weight decay chosen by cross-validation along a path."""

import numpy as np
from sklearn.model_selection import check_cv

from hidden_convexity.estimators import fitting
from hidden_convexity.estimators.classifier import (
    FittedClassifier,
    probabilities,
    problem_of,
    signs_of,
)
from hidden_convexity.estimators.regressor import FittedRegressor
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.validation import positive_number, real_array
from hidden_convexity.oracle import Ascent

# Weight decays tried when none are given: from about the largest that does anything down to this
# share of it.
COUNT, SMALLEST_SHARE = 10, 1e-3


class _PathMixin:
    """Training at all weight decays in each fold: the best of them is that of the final fit.

    Within a fold the path is trained from the largest weight decay down, each network being the
    start of the next where all patterns are considered. A fold with a share q of the samples is
    trained at q beta, so that loss and penalty keep their proportion.
    """

    def _choose_beta(self, X, targets, weights, splits, losses):
        """Set `betas_`, `loss_path_` and `beta_`.

        Parameters
        ----------
        X : (n, d) ndarray
        targets : (k, n) ndarray
            What the network is fitted to, for the largest weight decay.
        weights : (n,) ndarray
            Of the samples: folds count, and are trained at a weight decay, in proportion.
        splits : iterable of (fitted, judged) indices
        losses : callable
            Of fitted, judged, weight decays and seconds: the loss of each weight decay on what is
            judged.

        Returns
        -------
        Budget
            What is left for the final fit.
        """
        budget = Budget(self.max_seconds)
        if self.betas is None:
            search = Ascent(fitting.inputs(X, self.intercept))
            largest = max(search(weights * target).value for target in targets)
            betas = (largest or 1.0) * np.geomspace(1.0, SMALLEST_SHARE, COUNT)
        else:
            betas = real_array(self.betas, "betas", ndim=1)
            if len(betas) == 0:
                raise ValueError("betas must hold at least one weight decay, got none")
            for beta in betas:
                positive_number(float(beta), "betas")
        splits, folds, sizes = list(splits), [], []
        for fitted, judged in splits:
            part = budget.part(1 / (len(splits) + 1 - len(folds)))
            fitted, judged = (chosen[weights[chosen] > 0] for chosen in (fitted, judged))
            scaled = weights[fitted].sum() / weights.sum() * betas
            folds.append(losses(fitted, judged, scaled, part))
            sizes.append(weights[judged].sum())
        self.betas_, self.loss_path_ = betas, np.array(folds).T
        # Folds of samples that are weighted count as in scikit-learn: by the weight they judge.
        shares = None if (weights == 1).all() else sizes
        means = np.average(self.loss_path_, axis=1, weights=shares)
        self.beta_ = float(betas[means.argmin()])
        return budget


class ConvexReLURegressorCV(_PathMixin, FittedRegressor):
    """`ConvexReLURegressor` with its weight decay chosen by cross-validation.

    Parameters
    ----------
    betas : (k,) array_like or None
        Weight decays to try, > 0, for all samples; in a fold with a share q of them, q beta is
        used. None: ten from about the largest that does anything down to a thousandth of it.
    cv : int, splitter or None
        As in scikit-learn; None is five folds, not shuffled.
    scope, gates, intercept, tol, max_seconds, random_state
        As in `ConvexReLURegressor`; the folds and the final fit share the budget evenly.

    Attributes
    ----------
    betas_ : (k,) ndarray
    loss_path_ : (k, folds) ndarray
        Mean squared error, weighted, on what was held out.
    beta_ : float
        The weight decay of the smallest mean error, used for the final fit on all samples.
    network_, intercept_, scope_, gap_, objective_, lower_bound_, n_features_in_
        As in `ConvexReLURegressor`.
    """

    def __init__(
        self,
        betas=None,
        *,
        cv=None,
        scope="auto",
        gates=100,
        intercept="regularised",
        tol=1e-4,
        max_seconds=None,
        random_state=0,
    ):
        self.betas = betas
        self.cv = cv
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Choose the weight decay, and train on X (n, d), y (n,) with it.

        Parameters
        ----------
        X, y, sample_weight
            As in `ConvexReLURegressor`; what is held out is weighted too.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `ConvexReLURegressor`; and if betas is empty or not positive.
        """
        X, y = self._checked(X, y)
        weights, level = fitting.checked_weights(sample_weight, X), self._level(y)

        def losses(fitted, judged, betas, budget):
            trainer = self._trainer(X[fitted])
            problem = self._problem(trainer.X, y[fitted] - level, 1.0, weights[fitted])
            path = trainer.path(problem, betas, budget.seconds)
            inputs = fitting.inputs(X[judged], self.intercept)
            squares = [(one.network(inputs) + level - y[judged]) ** 2 for one in path]
            return [fitting.mean(each, weights[judged]) for each in squares]

        centre = np.average(y, weights=weights) if self.intercept == "free" else 0.0
        splits = check_cv(self.cv).split(X, y)
        left = self._choose_beta(X, [y - centre], weights, splits, losses)
        return self._fit_at(X, y, weights, self.beta_, left)


class ConvexReLUClassifierCV(_PathMixin, FittedClassifier):
    """`ConvexReLUClassifier` with its weight decay chosen by cross-validation.

    Parameters
    ----------
    betas : (k,) array_like or None
        Weight decays to try, > 0, for all samples; in a fold with a share q of them, q beta is
        used. None: ten from about the largest that does anything down to a thousandth of it.
    cv : int, splitter or None
        As in scikit-learn; None is five stratified folds, not shuffled.
    class_weight, scope, gates, intercept, tol, max_seconds, random_state
        As in `ConvexReLUClassifier`; the folds and the final fit share the budget evenly.

    Attributes
    ----------
    betas_ : (k,) ndarray
    loss_path_ : (k, folds) ndarray
        Mean negative log-likelihood, in nats, weighted, on what was held out.
    beta_ : float
        The weight decay of the smallest mean loss, used for the final fit on all samples.
    classes_, network_, scope_, gap_, n_features_in_
        As in `ConvexReLUClassifier`.
    """

    def __init__(
        self,
        betas=None,
        *,
        cv=None,
        class_weight=None,
        scope="auto",
        gates=100,
        intercept="regularised",
        tol=1e-4,
        max_seconds=None,
        random_state=0,
    ):
        self.betas = betas
        self.cv = cv
        self.class_weight = class_weight
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Choose the weight decay, and train on X (n, d) and labels y (n,) with it.

        Parameters
        ----------
        X, y, sample_weight
            As in `ConvexReLUClassifier`; what is held out is weighted too.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `ConvexReLUClassifier`; and if betas is empty or not positive.
        """
        X, index, weights = self._checked(X, y, sample_weight)
        signs = signs_of(index, len(self.classes_))

        def losses(fitted, judged, betas, budget):
            trainer, paths = self._trainer(X[fitted]), []
            for one in signs:
                problem = problem_of(trainer.X, one[fitted], 1.0, weights[fitted])
                part = budget.part(1 / (len(signs) - len(paths)))
                paths.append(trainer.path(problem, betas, part.seconds))
            inputs, truth = fitting.inputs(X[judged], self.intercept), index[judged]
            outputs = np.array([[one.network(inputs) for one in path] for path in paths])
            surprises = [_surprises(outputs[:, k], truth) for k in range(len(betas))]
            return [fitting.mean(each, weights[judged]) for each in surprises]

        # Half, since the residual of the logistic loss at the outputs 0 is y / 2.
        splits = check_cv(self.cv, index, classifier=True).split(X, index)
        left = self._choose_beta(X, signs / 2, weights, splits, losses)
        return self._fit_at(X, index, weights, self.beta_, left)


def _surprises(outputs, truth):
    """-log of the probability of the true class (n,), from outputs (1 or classes, n)."""
    chances = probabilities(outputs[0] if len(outputs) == 1 else outputs.T)
    chance = chances[np.arange(len(truth)), truth]
    return -np.log(np.maximum(chance, np.finfo(float).tiny))
