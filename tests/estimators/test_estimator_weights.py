"""Weights of samples and classes in the scikit-learn estimators, and what is built on them."""

import warnings

import numpy as np
import pytest

import hidden_convexity as hc

sklearn = pytest.importorskip("sklearn")
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import KFold, PredefinedSplit  # noqa: E402

from hidden_convexity.estimators import (  # noqa: E402
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
)


def labelled(n=60, count=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 1))
    level = np.sin(4 * x[:, 0]) + 0.5 * rng.normal(size=n)
    edges = [0.3] if count == 2 else [-0.4, 0.4]
    return x, np.array(["a", "b", "c"])[np.digitize(level, edges)]


@pytest.mark.parametrize("count", [2, 3])
def test_a_weight_of_a_labelled_sample_is_a_repetition_to_the_last_digit(count):
    x, y = labelled(40, count)
    weights = np.random.default_rng(1).integers(0, 4, size=40)
    weighted = ConvexReLUClassifier(0.1).fit(x, y, sample_weight=weights)
    repeated = ConvexReLUClassifier(0.1).fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    assert (weighted.predict_proba(x) == repeated.predict_proba(x)).all()


def test_weights_are_those_of_the_logistic_losses():
    x, y = labelled(40)
    weights = np.random.default_rng(1).exponential(size=40)
    fitted = ConvexReLUClassifier(0.1, tol=1e-7).fit(x, y, sample_weight=weights)
    problem = hc.TrainingProblem(
        np.column_stack([x, np.full(40, fitted.bias_)]), np.where(y == "b", 1.0, -1.0),
        fitted.weight_decay_, "logistic", intercept=True, sample_weight=weights,
    )  # fmt: skip
    optimum = hc.train(problem, tol=1e-7).objective
    assert fitted.scope_ == "global"
    assert problem.objective(fitted.network_) == pytest.approx(optimum, rel=2e-7)


def test_balanced_classes_weigh_the_same():
    x, y = labelled(80)
    x, y = np.concatenate([x, x[y == "a"]]), np.append(y, y[y == "a"])
    counts = {label: (y == label).sum() for label in "ab"}
    factors = {label: len(y) / (2 * count) for label, count in counts.items()}
    balanced, given, weighted = (
        ConvexReLUClassifier(0.1, class_weight="balanced").fit(x, y),
        ConvexReLUClassifier(0.1, class_weight=factors).fit(x, y),
        ConvexReLUClassifier(0.1).fit(x, y, sample_weight=[factors[label] for label in y]),
    )
    assert (balanced.predict_proba(x) == given.predict_proba(x)).all()
    assert (balanced.predict_proba(x) == weighted.predict_proba(x)).all()
    plain = ConvexReLUClassifier(0.1).fit(x, y)
    assert balanced.predict_proba(x)[:, 1].mean() > plain.predict_proba(x)[:, 1].mean() + 0.05


def test_in_balanced_classes_a_weight_is_a_repetition_too():
    x, y = labelled(40)
    weights = np.random.default_rng(1).integers(0, 4, size=40)
    model = ConvexReLUClassifier(0.1, class_weight="balanced")
    one = model.fit(x, y, sample_weight=weights).predict_proba(x)
    two = model.fit(np.repeat(x, weights, axis=0), np.repeat(y, weights)).predict_proba(x)
    assert (one == two).all()


def test_a_class_without_weight_is_never_predicted():
    x, y = labelled(60, 3)
    weights = np.where(y == "b", 0.0, 1.0)
    for class_weight in (None, "balanced"):
        fitted = ConvexReLUClassifier(0.1, class_weight=class_weight).fit(x, y, weights)
        assert fitted.classes_.tolist() == ["a", "b", "c"]
        assert "b" not in fitted.predict(x)


@pytest.mark.parametrize("intercept", ["regularised", "free"])
def test_a_chosen_weight_decay_is_that_of_weighted_fits_and_weighted_errors(intercept):
    """Folds are fitted with their weights, at shares of their own beta_max, and judged by them."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(30, 1))
    y = np.sin(4 * x[:, 0]) + 0.3 * rng.normal(size=30)
    weights, betas = rng.integers(0, 4, size=30).astype(float), [0.5, 0.05, 0.005]
    options = {"intercept": intercept, "tol": 1e-7}
    chosen = ConvexReLURegressorCV(betas, cv=KFold(3), **options).fit(x, y, weights)
    errors, sizes = np.empty((3, 3)), []
    for fold, (fitted, judged) in enumerate(KFold(3).split(x)):
        sizes.append(weights[judged].sum())
        for k, beta in enumerate(betas):
            model = ConvexReLURegressor(beta, **options)
            model.fit(x[fitted], y[fitted], weights[fitted])
            squares = (model.predict(x[judged]) - y[judged]) ** 2
            errors[k, fold] = np.average(squares, weights=weights[judged])
    assert chosen.loss_path_ == pytest.approx(errors, rel=1e-2)
    best = np.average(errors, axis=1, weights=sizes).argmin()
    assert chosen.beta_ == betas[best]


@pytest.mark.parametrize("estimator", [ConvexReLURegressorCV, ConvexReLUClassifierCV])
def test_in_a_choice_a_weight_is_a_repetition_in_the_same_fold(estimator):
    x, labels = labelled(45)
    y = labels if estimator is ConvexReLUClassifierCV else np.sin(4 * x[:, 0])
    rng = np.random.default_rng(3)
    weights, fold = rng.integers(0, 4, size=45), np.arange(45) % 3
    betas, options = [0.1, 0.01, 0.001], {"tol": 1e-7}
    one = estimator(betas, cv=PredefinedSplit(fold), **options).fit(x, y, sample_weight=weights)
    again = PredefinedSplit(np.repeat(fold, weights))
    two = estimator(betas, cv=again, **options)
    two.fit(np.repeat(x, weights, axis=0), np.repeat(y, weights), sample_weight=None)
    assert one.loss_path_ == pytest.approx(two.loss_path_, rel=1e-2)
    assert one.beta_ == two.beta_
    assert one.predict(x).tolist() == two.predict(x).tolist()


def test_boosting_takes_the_classifier():
    """AdaBoost's weights sum to one: an absolute weight decay would have to be small as well."""
    x, y = labelled(80)
    boosted = AdaBoostClassifier(ConvexReLUClassifier(1e-2, tol=1e-3), n_estimators=4).fit(x, y)
    assert len(boosted.estimators_) > 1
    assert boosted.score(x, y) > 0.8
    single = ConvexReLUClassifier(1e-2, tol=1e-3).fit(x, y)
    assert boosted.score(x, y) >= single.score(x, y) - 0.05


def test_boosting_takes_the_regressor():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(50, 1))
    y = np.sin(4 * x[:, 0])
    boosted = AdaBoostRegressor(ConvexReLURegressor(1e-2, tol=1e-3), n_estimators=3).fit(x, y)
    assert boosted.score(x, y) > 0.9


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_takes_the_classifier_and_its_weights(method):
    x, y = labelled(90)
    weights = np.random.default_rng(0).integers(1, 3, size=90)
    model = CalibratedClassifierCV(ConvexReLUClassifier(0.1, tol=1e-3), method=method, cv=3)
    calibrated = model.fit(x, y, sample_weight=weights)
    assert calibrated.predict_proba(x).sum(axis=1) == pytest.approx(1.0)
    assert calibrated.score(x, y) > 0.75


@pytest.mark.parametrize("ratio", [1e10, 1e14])
def test_a_gap_of_a_classifier_that_was_not_reached_is_warned_of(ratio):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), np.arange(12) % 2
    weights = np.where(np.arange(12) % 3 == 0, ratio, 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = ConvexReLUClassifier(0.1, tol=1e-9).fit(X, y, sample_weight=weights)
    ended = [one for one in caught if one.category is ConvergenceWarning]
    assert len(ended) == (fitted.gap_ > fitted.tol)
    for one in ended:
        assert "sample weights span 1" in str(one.message)


@pytest.mark.parametrize(
    "estimator", [ConvexReLURegressor(), ConvexReLUClassifier(), ConvexReLURegressorCV([1.0])]
)
def test_weights_of_zero_only_are_refused(estimator):
    x, y = labelled(20)
    y = (y == "a").astype(float)
    with pytest.raises(ValueError, match="at least one non-zero"):
        estimator.fit(x, y, sample_weight=np.zeros(20))
