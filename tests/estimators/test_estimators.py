"""The scikit-learn estimators: its own checks, and that they solve the problems they name."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import hidden_convexity as hc

sklearn = pytest.importorskip("sklearn")
from sklearn.datasets import load_digits, load_iris  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import GridSearchCV, GroupKFold  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from hidden_convexity.estimators import (  # noqa: E402
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
)
from hidden_convexity.solvers.fixed_gates.gated import train_gated  # noqa: E402

# Few gates and a loose gap: the checks are about the interface, and fit several hundred times.
QUICK = {"gates": 10, "tol": 1e-2}
# One check wants a class of weight 1e7 against one to win nearly everywhere. At the optimum of the
# default weight decay it does not: it was found to only where training had stalled. And where it
# does, it takes seconds.
DECAY, BUDGET = {"beta": 0.3}, {"max_seconds": 10.0}
TWO_BETAS = {"betas": [1.0, 0.1], "cv": 2}


@pytest.mark.slow
@parametrize_with_checks(
    [
        ConvexReLURegressor(**QUICK),
        ConvexReLUClassifier(**QUICK, **DECAY, **BUDGET),
        ConvexReLURegressorCV(**QUICK, **TWO_BETAS),
        ConvexReLUClassifierCV(**QUICK, **TWO_BETAS, **BUDGET),
    ]
)
def test_it_keeps_the_rules_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def curve(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 1))
    return x, np.sin(4 * x[:, 0]) + 0.1 * rng.normal(size=n)


def classes(n=60, count=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 2))
    angle = np.arctan2(X[:, 1], X[:, 0])
    return X, np.array(["left", "middle", "right"])[((angle + np.pi) * count / 7).astype(int)]


def problem_of(fitted, X, y, loss="squared", weights=None, intercept=True):
    """The training problem that an estimator names."""
    A = np.column_stack([X, np.full(len(X), fitted.bias_)])
    decay = fitted.weight_decay_
    return hc.TrainingProblem(A, y, decay, loss, intercept=intercept, sample_weight=weights)


# Scope


def test_where_the_rank_allows_the_answer_is_the_global_optimum():
    x, y = curve()
    fitted = ConvexReLURegressor(0.01, tol=1e-6).fit(x, y)
    problem = problem_of(fitted, x, y)
    optimum = hc.train(problem)
    assert fitted.scope_ == "global" and fitted.gap_ <= 1e-6
    assert fitted.objective_ == pytest.approx(optimum.objective, rel=1e-6)
    assert fitted.objective_ == pytest.approx(problem.objective(fitted.network_), rel=1e-12)
    assert fitted.lower_bound_ <= optimum.objective * (1 + 1e-12)


def test_elsewhere_patterns_are_sampled_and_the_fitted_object_says_so():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 12)), rng.normal(size=40)
    fitted = ConvexReLURegressor(0.2, gates=20).fit(X, y)
    assert fitted.scope_ == "sampled" and fitted.formulation_ == "relu" and fitted.gap_ <= 1e-4
    searched = ConvexReLURegressor(0.1, scope="searched", tol=1e-3).fit(X, y)
    assert searched.scope_ == "searched"
    same = searched.weight_decay_ / fitted.beta_max_
    assert searched.objective_ < ConvexReLURegressor(same, gates=20).fit(X, y).objective_
    with pytest.raises(ValueError, match="out of reach"):
        ConvexReLURegressor(0.1, scope="global").fit(X, y)


def test_sampled_patterns_follow_the_random_state():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 12)), rng.normal(size=40)
    one, same, other = (
        ConvexReLURegressor(gates=10, random_state=seed).fit(X, y).objective_ for seed in (0, 0, 1)
    )
    assert one == same != other


# Sample weights


def test_a_weight_is_a_repetition_to_the_last_digit():
    x, y = curve(40)
    weights = np.random.default_rng(1).integers(0, 4, size=40)
    weighted = ConvexReLURegressor(0.1).fit(x, y, sample_weight=weights)
    repeated = ConvexReLURegressor(0.1).fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    assert (weighted.predict(x) == repeated.predict(x)).all()


def test_weights_are_those_of_the_squared_errors():
    x, y = curve(40)
    weights = np.random.default_rng(1).exponential(size=40)
    fitted = ConvexReLURegressor(0.1, tol=1e-6).fit(x, y, sample_weight=weights)
    W, a = fitted.network_.hidden_weights, fitted.network_.output_weights
    loss = 0.5 * weights @ (fitted.predict(x) - y) ** 2
    decay = 0.5 * fitted.weight_decay_ * ((W**2).sum() + (a**2).sum())
    assert loss + decay == pytest.approx(fitted.objective_, rel=1e-9)
    unweighted = hc.train(problem_of(fitted, x, y)).network
    weighted = problem_of(fitted, x, y, weights=weights)
    assert fitted.objective_ < weighted.objective(unweighted)


@pytest.mark.parametrize("ratio", [1e10, 1e14])
def test_a_gap_that_was_not_reached_is_warned_of(ratio):
    """Sample weights this far apart gave gaps of 0.02 to 0.99 without a word."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    weights = np.where(np.arange(12) % 3 == 0, ratio, 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = ConvexReLURegressor(0.1).fit(X, y, sample_weight=weights)
    ended = [one for one in caught if one.category is ConvergenceWarning]
    assert len(ended) == (fitted.gap_ > fitted.tol)
    for one in ended:
        assert "sample weights span 1" in str(one.message)
        assert one.filename == __file__


def test_the_order_of_the_samples_does_not_matter():
    x, y = curve(40)
    shuffled = np.random.default_rng(0).permutation(40)
    one, two = (ConvexReLURegressor(0.1).fit(x[k], y[k]) for k in (slice(None), shuffled))
    assert (one.predict(x) == two.predict(x)).all()


# The free intercept


@pytest.mark.parametrize("weighted", [False, True])
def test_a_free_intercept_is_the_best_constant(weighted):
    x, y = curve(30)
    weights = np.random.default_rng(2).exponential(size=30) if weighted else np.ones(30)
    fitted = ConvexReLURegressor(0.02, intercept="free", tol=1e-6).fit(x, y + 3, weights)
    assert fitted.scope_ == "global" and fitted.gap_ <= 1e-6

    def value(b):
        shifted = problem_of(fitted, x, y + 3 - b, weights=weights, intercept=False)
        return hc.train(shifted, tol=1e-7).objective

    nearby = [value(fitted.intercept_ + move) for move in (-0.3, -0.03, 0.0, 0.03, 0.3)]
    assert min(nearby) >= fitted.lower_bound_
    assert min(nearby) == pytest.approx(fitted.objective_, rel=2e-6)


@pytest.mark.parametrize("scope", ["auto", "searched", "sampled"])
def test_a_free_intercept_makes_the_fit_follow_a_shift_of_the_targets(scope):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(25, 2)), rng.normal(size=25)
    options = {"intercept": "free", "tol": 1e-8, "scope": scope, "gates": 10}
    one, two = (ConvexReLURegressor(0.1, **options).fit(X, y + c).predict(X) for c in (0, 100))
    assert two - 100 == pytest.approx(one, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["global", "searched", "sampled"])
@pytest.mark.parametrize("beta", [1e-2, 1e-4, 1e-6])
def test_with_a_free_intercept_a_smaller_tolerance_gives_a_smaller_gap(scope, beta):
    """A search for the constant, one training a step, ended at larger gaps after 25 of them."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 1))
    y = 5 + np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=40)
    for tol in (1e-3, 1e-5):
        fitted = ConvexReLURegressor(beta, intercept="free", tol=tol, scope=scope).fit(X, y)
        assert fitted.gap_ <= tol


def test_a_free_intercept_is_part_of_the_convex_program():
    """The joint optimum over networks and constants, by CVXPY over all chambers."""
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(10, 1)), 3 + rng.normal(size=10)
    fitted = ConvexReLURegressor(0.05, intercept="free", tol=1e-7).fit(X, y)
    A = np.column_stack([X, np.full(10, fitted.bias_)])
    patterns, constant = hc.Arrangement.enumerate(A).patterns.T, cp.Variable()
    outputs, penalty, cones = constant * np.ones(10), 0.0, []
    for pattern in patterns:
        for sign in (1, -1):
            u = cp.Variable(2)
            outputs = outputs + sign * cp.multiply(pattern.astype(float), A @ u)
            cones.append(cp.multiply(2.0 * pattern - 1, A @ u) >= 0)
            penalty = penalty + cp.norm(u)
    value = 0.5 * cp.sum_squares(outputs - y) + fitted.weight_decay_ * penalty
    program = cp.Problem(cp.Minimize(value), cones)
    program.solve(solver=cp.CLARABEL)
    assert fitted.objective_ == pytest.approx(program.value, rel=1e-6)
    assert fitted.lower_bound_ <= program.value * (1 + 1e-7)


def test_a_fit_keeps_to_its_budget_and_says_how_far_it_came():
    X, y = load_iris(return_X_y=True)
    for estimator in (
        ConvexReLURegressor(0.1, tol=1e-9, max_seconds=1e-6),
        ConvexReLURegressor(0.1, tol=1e-9, max_seconds=1e-6, intercept="regularised"),
        ConvexReLURegressor(0.1, tol=1e-9, max_seconds=1e-6, formulation="gated"),
        ConvexReLUClassifier(0.1, tol=1e-9, max_seconds=1e-6),
        ConvexReLUClassifier(0.1, tol=1e-9, max_seconds=1e-6, formulation="relu"),
    ):
        with pytest.warns(ConvergenceWarning, match="above tol"):
            fitted = estimator.fit(X, y)
        assert 1e-9 < fitted.gap_ <= 1
    with pytest.warns(ConvergenceWarning, match="above tol") as caught:
        chosen = ConvexReLURegressorCV([0.1, 0.01], cv=2, tol=1e-9, max_seconds=1e-6).fit(X, y)
    assert caught[0].filename == __file__
    assert chosen.gap_ > 1e-9 and chosen.loss_path_.shape == (2, 2)


def test_of_constant_targets_a_free_intercept_leaves_nothing_to_learn():
    fitted = ConvexReLURegressor().fit(np.arange(5.0)[:, None], np.full(5, 7.0))
    assert fitted.intercept_ == 7.0 and len(fitted.network_) == 0 and fitted.gap_ == 0


# Pipelines and paths


def test_it_works_in_a_pipeline_with_a_grid_search():
    x, y = curve(60)
    pipeline = make_pipeline(StandardScaler(), ConvexReLURegressor())
    search = GridSearchCV(pipeline, {"convexreluregressor__beta": [1.0, 0.1, 0.01]}, cv=3)
    search.fit(1_000 * x, y)
    assert search.best_params_["convexreluregressor__beta"] < 1
    assert search.best_score_ > 0.8


@pytest.mark.parametrize("intercept", ["regularised", "free"])
def test_the_path_of_a_fold_is_that_of_separate_fits(intercept):
    x, y = curve(30)
    betas, options = [0.1, 0.01], {"intercept": intercept, "tol": 1e-7}
    fitted = ConvexReLURegressorCV(betas, cv=3, **options).fit(x, y)
    fold = np.arange(10)
    rest = np.arange(10, 30)
    for beta, loss in zip(betas, fitted.loss_path_[:, 0], strict=True):
        alone = ConvexReLURegressor(beta, **options).fit(x[rest], y[rest])
        assert np.mean((alone.predict(x[fold]) - y[fold]) ** 2) == pytest.approx(loss, rel=1e-2)
    assert fitted.beta_ == betas[fitted.loss_path_.mean(axis=1).argmin()]
    final = ConvexReLURegressor(fitted.beta_, **options).fit(x, y)
    assert (fitted.predict(x) == final.predict(x)).all()


def test_weight_decays_of_its_own_choice_start_at_the_constant_network():
    x, y = curve(40)
    fitted = ConvexReLURegressorCV(cv=2).fit(x, y)
    A = np.column_stack([x, np.full(40, fitted.bias_)])
    assert fitted.beta_max_ == pytest.approx(hc.beta_max(A, y, intercept=True), rel=1e-3)
    constants = [np.mean((y[:20] - y[20:].mean()) ** 2), np.mean((y[20:] - y[:20].mean()) ** 2)]
    assert fitted.betas_[0] == 1 and fitted.loss_path_[0] == pytest.approx(constants, rel=1e-2)
    assert fitted.loss_path_.shape == (10, 2) and fitted.score(x, y) > 0.8


# Classification


def test_two_classes_are_the_logistic_training_problem():
    X, y = classes(count=2)
    fitted = ConvexReLUClassifier(0.02, tol=1e-6).fit(X, y)
    signs = np.where(y == fitted.classes_[1], 1.0, -1.0)
    problem = problem_of(fitted, X, signs, "logistic")
    optimum = hc.train(problem)
    assert fitted.scope_ == "global" and fitted.loss_ == "logistic" and fitted.gap_ <= 1e-6
    assert problem.objective(fitted.network_) == pytest.approx(optimum.objective, rel=2e-6)
    assert fitted.score(X, y) > 0.95


def test_several_classes_are_the_softmax_training_problem():
    X, y = classes()
    fitted = ConvexReLUClassifier(0.02, tol=1e-3).fit(X, y)
    one_hot = (y[:, None] == fitted.classes_).astype(float)
    problem = problem_of(fitted, X, one_hot, "softmax")
    assert fitted.scope_ == "global" and fitted.loss_ == "softmax" and fitted.gap_ <= 1e-3
    assert fitted.objective_ == pytest.approx(problem.objective(fitted.network_), rel=1e-9)
    assert fitted.lower_bound_ <= hc.train(problem, tol=1e-4).objective
    assert fitted.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(60))
    assert fitted.score(X, y) > 0.95


def test_relu_networks_over_sampled_patterns_are_trained_one_class_against_the_rest():
    X, y = classes()
    options = {"formulation": "relu", "scope": "sampled", "tol": 1e-3}
    fitted = ConvexReLUClassifier(0.02, **options).fit(X, y)
    outputs = fitted.decision_function(X)
    assert outputs.shape == (60, 3) and fitted.loss_ == "logistic" and fitted.scope_ == "sampled"
    alone = ConvexReLUClassifier(0.02, **options).fit(X, y == "middle")
    column = list(fitted.classes_).index("middle")
    assert alone.decision_function(X) == pytest.approx(outputs[:, column], abs=1e-9)
    assert alone.weight_decay_ == fitted.weight_decay_[column]
    assert fitted.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(60))
    assert fitted.score(X, y) > 0.9


@pytest.mark.slow
def test_weight_decay_of_a_classifier_is_chosen_on_real_data():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)[::3, 2:]
    y = y[::3]
    fitted = ConvexReLUClassifierCV([1.0, 0.1, 0.01], cv=3).fit(X, y)
    assert fitted.loss_path_.shape == (3, 3) and fitted.score(X, y) > 0.9
    assert fitted.beta_ < 1


# What is refused


@pytest.mark.parametrize("estimator", [ConvexReLURegressor, ConvexReLUClassifier])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta", 0.0),
        ("beta", "1"),
        ("beta", np.nan),
        ("scope", "exact"),
        ("formulation", "leaky"),
        ("formulation", None),
        ("progress", 1),
        ("gates", 0),
        ("gates", 2.5),
        ("intercept", True),
        ("tol", -1.0),
        ("random_state", "seed"),
    ],
)
def test_bad_options(estimator, name, value):
    X, y = classes(20, count=2)
    y = y if estimator is ConvexReLUClassifier else X[:, 0]
    options = {"scope": "sampled", name: value}
    with pytest.raises((TypeError, ValueError), match=r"\bseed\b" if value == "seed" else name):
        estimator(**options).fit(X, y)


def test_many_inputs_are_searched_with_a_free_intercept_and_shared_neurons():
    X, digits = load_digits(return_X_y=True)
    kept = digits < 3
    X, digits = X[kept][:80] / 16, digits[kept][:80]
    classifier = ConvexReLUClassifier(0.1, scope="searched", tol=2e-2).fit(X, digits)
    assert classifier.scope_ == "searched" and classifier.gap_ <= 2e-2
    assert classifier.network_.output_weights.shape[1] == 3
    assert classifier.score(X, digits) >= 0.95
    wide = np.random.default_rng(0).normal(size=(60, 17))
    y = 100.0 + np.maximum(wide[:, 0], 0.0)
    regressor = ConvexReLURegressor(0.1, scope="searched", tol=2e-2).fit(wide, y)
    assert regressor.scope_ == "searched" and regressor.gap_ <= 2e-2
    assert np.abs(regressor.predict(wide) - y).mean() < 0.2


def test_bad_weights_and_weight_decays():
    x, y = curve(10)
    for weights in (np.zeros(10), -np.ones(10), np.ones(9)):
        with pytest.raises(ValueError, match=r"[Ww]eights?\b|Negative"):
            ConvexReLURegressor().fit(x, y, sample_weight=weights)
    for betas in ([], [1.0, 0.0], ["a"], [[1.0]]):
        with pytest.raises((TypeError, ValueError), match="betas"):
            ConvexReLURegressorCV(betas).fit(x, y)
    with pytest.raises(ValueError, match='scope must be "auto" or "sampled"'):
        ConvexReLUClassifier(formulation="gated", scope="global").fit(x, y > 0)
    with pytest.raises(TypeError, match="fold_names"):
        ConvexReLURegressorCV().fit(x, y, fold_names=y)


# The unit of weight decay


@pytest.mark.parametrize(
    "options", [{}, {"scope": "sampled"}, {"formulation": "gated"}, {"intercept": "regularised"}]
)
def test_a_fit_follows_the_units_of_the_data_and_not_their_number(options):
    """beta was absolute: of ten times the samples, or in another unit, it was another problem."""
    X, y = classes(count=2)[0], np.sin(3 * classes(count=2)[0][:, 0])
    one = ConvexReLURegressor(0.05, tol=1e-7, **options).fit(X, y)
    scaled = ConvexReLURegressor(0.05, tol=1e-7, **options).fit(1_024 * X, y / 1_024)
    assert 1_024 * scaled.predict(1_024 * X) == pytest.approx(one.predict(X), abs=1e-6)
    thrice = ConvexReLURegressor(0.05, tol=1e-7, **options).fit(np.tile(X, (3, 1)), np.tile(y, 3))
    assert thrice.predict(X) == pytest.approx(one.predict(X), abs=1e-3)
    assert thrice.weight_decay_ == pytest.approx(3 * one.weight_decay_, rel=1e-9)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
@pytest.mark.parametrize("count", [2, 3])
def test_a_network_with_too_much_weight_decay_predicts_the_most_frequent_class(count, formulation):
    """Without a free constant all outputs were 0, and the first of all classes was predicted."""
    X, y = classes(90, count)
    most = np.unique(y)[-1]
    y = np.where(np.arange(90) < 50, most, y)
    fitted = ConvexReLUClassifier(1.0, formulation=formulation).fit(X, y)
    assert set(fitted.predict(X)) == {most}
    frequencies = [(y == label).mean() for label in fitted.classes_]
    assert fitted.predict_proba(X)[0] == pytest.approx(frequencies, abs=0.01)


@pytest.mark.parametrize("formulation", ["relu", "gated"])
def test_a_network_with_too_much_weight_decay_predicts_the_mean(formulation):
    x, y = curve()
    weights = np.random.default_rng(0).exponential(size=60)
    fitted = ConvexReLURegressor(1.0, formulation=formulation).fit(x, y + 5, weights)
    assert fitted.predict(x) == pytest.approx(np.average(y + 5, weights=weights), abs=0.01)


def test_a_beta_in_another_unit_is_warned_of():
    x, y = curve()
    with pytest.warns(UserWarning, match="share of beta_max"):
        ConvexReLURegressor(10.0).fit(x, y)
    with pytest.warns(UserWarning, match="share of beta_max"):
        ConvexReLURegressorCV([10.0, 0.1], cv=2).fit(x, y)


# Gated networks


def test_gated_networks_are_those_of_random_gates():
    X, y = classes(count=3)
    fitted = ConvexReLUClassifier(0.05, formulation="gated", tol=1e-5).fit(X, y)
    A = np.column_stack([X, np.full(60, fitted.bias_)])
    one_hot = (y[:, None] == fitted.classes_).astype(float)
    gates, decay = fitted.network_.gates, fitted.weight_decay_
    again = train_gated(A, one_hot, gates, decay, loss="softmax", tol=1e-6, intercept=True)
    assert fitted.formulation_ == "gated" and fitted.scope_ == "sampled" and fitted.gap_ <= 1e-5
    assert fitted.objective_ == pytest.approx(again.objective, rel=2e-5)
    assert fitted.decision_function(X) == pytest.approx(fitted.network_(A), abs=1e-12)


def test_several_classes_of_high_rank_are_gated_without_being_asked():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 20))
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    fitted = ConvexReLUClassifier().fit(X, y)
    assert (fitted.formulation_, fitted.scope_, fitted.loss_) == ("gated", "sampled", "softmax")
    assert fitted.gap_ <= fitted.tol and fitted.score(X, y) > 0.9


# Groups


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("estimator", [ConvexReLURegressorCV, ConvexReLUClassifierCV])
def test_groups_go_to_the_splitter(estimator, routing):
    x, y = curve(30)
    y = y if estimator is ConvexReLURegressorCV else y > 0
    groups = np.repeat(np.arange(10), 3)
    given = list(GroupKFold(3).split(x, y, groups))
    expected = estimator([0.5, 0.05], cv=given).fit(x, y).loss_path_
    with sklearn.config_context(enable_metadata_routing=routing):
        fitted = estimator([0.5, 0.05], cv=GroupKFold(3)).fit(x, y, groups=groups)
        assert (fitted.loss_path_ == expected).all()
        with pytest.raises(ValueError, match="groups"):
            estimator([0.5], cv=GroupKFold(3)).fit(x, y)


def test_without_scikit_learn_the_message_says_what_to_install():
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import hidden_convexity\n"
        "try: import hidden_convexity.estimators\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 'pip install "hidden-convexity[estimators]"' in done.stdout
