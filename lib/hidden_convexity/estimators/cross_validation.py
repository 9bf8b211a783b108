"""The same estimators with their weight decay chosen by cross-validation along a path."""

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)

from hidden_convexity.estimators import fitting
from hidden_convexity.estimators.classifier import FittedClassifier
from hidden_convexity.estimators.regressor import FittedRegressor
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.foundations.double_precision import TINY
from hidden_convexity.foundations.validation import positive_number, real_array

# Shares of beta_max that are tried when none are given: from it down to this one.
COUNT, SMALLEST_SHARE = 10, 3e-3


class _PathMixin:
    """Training at all weight decays in each fold: the best of them is that of the final fit.

    Within a fold the path is trained from the largest weight decay down, each network being the
    start of the next. Weight decays are shares of the beta_max of each fold.
    """

    def get_metadata_routing(self):
        """What goes where of what `fit` is given besides X and y: groups to the splitter."""
        mapping = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(splitter=check_cv(self.cv), method_mapping=mapping)

    def _splits(self, X, y, classifier, params):
        """Pairs of indices, from the splitter and what was routed to it."""
        if _routing_enabled():
            chosen = process_routing(self, "fit", **params).splitter.split
        else:
            unknown = sorted(set(params) - {"groups"})
            if unknown:
                raise TypeError(f"fit takes sample_weight and groups besides X, y; got {unknown}")
            chosen = params
        return list(check_cv(self.cv, y, classifier=classifier).split(X, y, **chosen))

    def _choose_beta(self, X, y, weights, splits):
        """Set `betas_`, `loss_path_` and `beta_`; what is left of the budget for the final fit."""
        betas = np.geomspace(1.0, SMALLEST_SHARE, COUNT)
        if self.betas is not None:
            betas = real_array(self.betas, "betas", ndim=1)
            if len(betas) == 0:
                raise ValueError("betas must hold at least one weight decay, got none")
            for beta in betas:
                positive_number(float(beta), "betas")
        budget, folds, sizes = Budget(self.max_seconds), [], []
        for fitted, judged in splits:
            part = budget.part(1 / (len(splits) + 1 - len(folds)))
            fitted, judged = (chosen[weights[chosen] > 0] for chosen in (fitted, judged))
            known = X[fitted], y[fitted], weights[fitted]
            bias, fits = self._path(*known, betas, part.seconds)
            inputs = fitting.inputs(X[judged], self.intercept, bias)
            losses = [self._losses(fit.network(inputs), y[judged]) for fit in fits]
            folds.append([fitting.mean(each, weights[judged]) for each in losses])
            sizes.append(weights[judged].sum())
        self.betas_, self.loss_path_ = betas, np.array(folds).T
        # Folds of samples that are weighted count as in scikit-learn: by the weight they judge.
        shares = None if (weights == 1).all() else sizes
        means = np.average(self.loss_path_, axis=1, weights=shares)
        self.beta_ = float(betas[means.argmin()])
        return budget


def _routing_enabled():
    return get_config().get("enable_metadata_routing", False)


class ConvexReLURegressorCV(_PathMixin, FittedRegressor):
    """`ConvexReLURegressor` with its weight decay chosen by cross-validation.

    Parameters
    ----------
    betas : (k,) array_like or None
        Weight decays to try, > 0, each a share of the beta_max of the samples it is trained on.
        None: ten from 1 down to 0.003.
    cv : int, splitter or None
        As in scikit-learn; None is five folds, not shuffled.
    formulation, scope, gates, intercept, tol, max_seconds, progress, random_state
        As in `ConvexReLURegressor`; the folds and the final fit share the budget evenly.

    Attributes
    ----------
    betas_ : (k,) ndarray
    loss_path_ : (k, folds) ndarray
        Mean squared error, weighted, on what was held out.
    beta_ : float
        The one of the smallest mean error, used for the final fit on all samples.
    network_, bias_, intercept_, formulation_, scope_, gap_, objective_, lower_bound_, beta_max_,
    weight_decay_, n_features_in_
        As in `ConvexReLURegressor`.
    """

    def __init__(
        self,
        betas=None,
        *,
        cv=None,
        formulation="auto",
        scope="auto",
        gates=32,
        intercept="free",
        tol=1e-4,
        max_seconds=None,
        progress=False,
        random_state=0,
    ):
        self.betas = betas
        self.cv = cv
        self.formulation = formulation
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, **params):
        """Choose the weight decay, and train on X (n, d), y (n,) with it.

        Parameters
        ----------
        X, y, sample_weight
            As in `ConvexReLURegressor`; what is held out is weighted too.
        **params
            `groups` (n,), for splitters that take them; with scikit-learn's metadata routing, what
            is routed to the splitter.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `ConvexReLURegressor`; and if betas is empty or not positive.
        """
        X, y = self._checked(X, y)
        weights = fitting.checked_weights(sample_weight, X)
        left = self._choose_beta(X, y, weights, self._splits(X, y, False, params))
        fitting.warn_of_beta(self.betas_.max())
        return self._fit_at(X, y, weights, self.beta_, left)

    def _losses(self, outputs, y):
        return (outputs - y) ** 2


class ConvexReLUClassifierCV(_PathMixin, FittedClassifier):
    """`ConvexReLUClassifier` with its weight decay chosen by cross-validation.

    Parameters
    ----------
    betas, cv
        As in `ConvexReLURegressorCV`; by default folds are stratified.
    class_weight, formulation, scope, gates, intercept, tol, max_seconds, progress, random_state
        As in `ConvexReLUClassifier`; the folds and the final fit share the budget evenly.

    Attributes
    ----------
    betas_, beta_
        As in `ConvexReLURegressorCV`.
    loss_path_ : (k, folds) ndarray
        Mean negative log-likelihood, in nats, weighted, on what was held out.
    classes_, network_, bias_, intercept_, formulation_, scope_, gap_, objective_, lower_bound_,
    beta_max_, weight_decay_, n_features_in_
        As in `ConvexReLUClassifier`.
    """

    def __init__(
        self,
        betas=None,
        *,
        cv=None,
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
        self.betas = betas
        self.cv = cv
        self.class_weight = class_weight
        self.formulation = formulation
        self.scope = scope
        self.gates = gates
        self.intercept = intercept
        self.tol = tol
        self.max_seconds = max_seconds
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, **params):
        """Choose the weight decay, and train on X (n, d), y (n,) with it.

        Parameters
        ----------
        X, y, sample_weight
            As in `ConvexReLUClassifier`; what is held out is weighted too.
        **params
            `groups` (n,), for splitters that take them; with scikit-learn's metadata routing, what
            is routed to the splitter.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `ConvexReLUClassifier`; and if betas is empty or not positive.
        """
        X, index, weights = self._checked(X, y, sample_weight)
        splits = self._splits(X, index, True, params)
        left = self._choose_beta(X, index, weights, splits)
        fitting.warn_of_beta(self.betas_.max())
        return self._fit_at(X, index, weights, self.beta_, left)

    def _losses(self, outputs, index):
        """-log of the probability of the true class (n,)."""
        chance = self._probabilities(outputs)[np.arange(len(index)), index]
        return -np.log(np.maximum(chance, TINY))
