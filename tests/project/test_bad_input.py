"""Each public entry refuses what it cannot use, and its message names the argument."""

import re
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from scipy import sparse

import hidden_convexity as hc
from hidden_convexity import landscape
from hidden_convexity.landscape import paths
from hidden_convexity.oracle.ascent import Ascent
from hidden_convexity.oracle.branch_and_bound import BranchAndBound
from hidden_convexity.oracle.circle import Circle
from hidden_convexity.oracle.exhaustive import Exhaustive
from hidden_convexity.solvers.fixed_gates.gated import train_gated

X = np.array([[1.0, 2.0], [-1.0, 1.0], [0.5, -2.0]])
Y = np.array([1.0, -1.0, 2.0])
PROBLEM = hc.TrainingProblem(X, Y, 0.1)
NETWORK = hc.ReLUNetwork([[1.0, 0.0]], [1.0])
ARRANGEMENT = hc.Arrangement.enumerate(X)


def with_entry(array, value):
    changed = np.array(array, dtype=type(value) if isinstance(value, complex) else float)
    changed.flat[0] = value
    return changed


def assert_refused(call, name):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert re.search(rf"\b{name}\b", str(caught.value)), f"{name} is not in: {caught.value}"


BAD_ENTRIES = {
    "NaN": lambda a: with_entry(a, np.nan),
    "infinite": lambda a: with_entry(a, np.inf),
    "complex": lambda a: with_entry(a, 1j),
    "strings": lambda a: np.asarray(a).astype(str),
    "objects": lambda a: np.full(np.shape(a), None, dtype=object),
    "None": lambda a: None,
    "a string": lambda a: "data",
    "ragged": lambda a: [[1.0, 2.0], [3.0]],
    "4-D": lambda a: np.ones((1, 1, 1, 1)),
    "a scalar": lambda a: 1.0,
}
BAD_MATRICES = {
    **BAD_ENTRIES,
    "no rows": lambda a: np.zeros((0, 2)),
    "no columns": lambda a: np.zeros((3, 0)),
    "an empty list": lambda a: [],
    "1-D": lambda a: np.ones(3),
    "3-D": lambda a: np.ones((3, 2, 1)),
    "4-D": lambda a: np.ones((3, 2, 2, 1)),
}
NOT_POSITIVE = [0, -1.0, np.nan, np.inf, -np.inf, "0.1", None, True, 1j, [0.1, 0.2]]
NOT_A_COUNT = [0, -1, 1.5, np.nan, "3", True, [1, 2]]

TAKES_X = {
    "Arrangement.enumerate": hc.Arrangement.enumerate,
    "Arrangement.sample": lambda X: hc.Arrangement.sample(X, 5),
    "Arrangement.from_gates": lambda X: hc.Arrangement.from_gates(X, np.ones((2, 1))),
    "wedge.dictionary": hc.wedge.dictionary,
    "TrainingProblem": lambda X: hc.TrainingProblem(X, Y, 0.1),
    "a network": NETWORK,
    "prune": NETWORK.prune,
    "Circle": Circle,
    "Ascent": Ascent,
    "beta_max": lambda X: hc.beta_max(X, Y),
    "Zonotope": hc.Zonotope,
}


@pytest.mark.parametrize("entry", TAKES_X)
@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_X(entry, kind):
    if kind == "3-D" and entry in ("TrainingProblem", "beta_max", "a network", "prune"):
        kind = "4-D"  # three dimensions are samples of patches
    assert_refused(lambda: TAKES_X[entry](BAD_MATRICES[kind](X)), "X")


@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "no rows", "no columns", "an empty list", "3-D"])
def test_bad_y(kind):
    assert_refused(lambda: hc.TrainingProblem(X, BAD_MATRICES[kind](Y), 0.1), "y")
    assert_refused(lambda: hc.beta_max(X, BAD_MATRICES[kind](Y)), "y")


@pytest.mark.parametrize("y", [np.ones(2), np.ones(4), np.ones((2, 3)), np.ones((1, 3))], ids=str)
def test_targets_of_another_length(y):
    assert_refused(lambda: hc.TrainingProblem(X, y, 0.1), "y")
    assert_refused(lambda: hc.beta_max(X, y), "y")


@pytest.mark.parametrize("beta", NOT_POSITIVE, ids=repr)
def test_bad_beta(beta):
    assert_refused(lambda: hc.TrainingProblem(X, Y, beta), "beta")


@pytest.mark.parametrize("value", [-1, 2.5, "3", None, True, np.nan], ids=repr)
@pytest.mark.parametrize("name", ["n", "rank"])
def test_bad_counts_of_hyperplanes(name, value):
    assert_refused(lambda: hc.count_chambers(**{"n": 4, "rank": 2, name: value}), name)


@pytest.mark.parametrize("value", [*NOT_A_COUNT, None], ids=repr)
def test_bad_max_chambers(value):
    assert_refused(lambda: hc.Arrangement.enumerate(X, max_chambers=value), "max_chambers")


@pytest.mark.parametrize("value", [*NOT_A_COUNT, None], ids=repr)
def test_bad_sample_count(value):
    assert_refused(lambda: hc.Arrangement.sample(X, value), "count")


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_gates(kind):
    assert_refused(
        lambda: hc.Arrangement.from_gates(X, BAD_MATRICES[kind](np.ones((2, 4)))), "gates"
    )


@pytest.mark.parametrize("gates", [np.ones((3, 1)), [[0.0], [0.0]], [[2.0], [-1.0]]])
def test_gates_in_no_chamber(gates):
    assert_refused(lambda: hc.Arrangement.from_gates(X, gates), "gates")


@pytest.mark.parametrize("value", [-1, 1.5, "seed"], ids=repr)
def test_bad_rng(value):
    assert_refused(lambda: hc.Arrangement.sample(X, 5, rng=value), "rng")


@pytest.mark.parametrize("kind", [k for k in BAD_MATRICES if k != "no rows"])
def test_bad_hidden_weights(kind):
    weights = BAD_MATRICES[kind](np.ones((2, 2)))
    assert_refused(lambda: hc.ReLUNetwork(weights, np.ones(2)), "hidden_weights")


@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "3-D"])
def test_bad_output_weights(kind):
    weights = BAD_MATRICES[kind](np.ones(2))
    assert_refused(lambda: hc.ReLUNetwork(np.ones((2, 2)), weights), "output_weights")


@pytest.mark.parametrize("shape", [(1,), (3,), (3, 2), (0,)], ids=str)
def test_output_weights_of_another_length(shape):
    assert_refused(lambda: hc.ReLUNetwork(np.ones((2, 2)), np.ones(shape)), "output_weights")


def test_data_of_another_dimension():
    assert_refused(lambda: NETWORK(np.ones((4, 3))), "X")
    assert_refused(lambda: NETWORK.prune(np.ones((4, 3))), "X")


@pytest.mark.parametrize("name", ["u", "v"])
@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "1-D", "3-D"])
def test_bad_points_of_the_convex_program(name, kind):
    good = np.ones((2, 3))
    arguments = {"u": good, "v": good, name: BAD_MATRICES[kind](good)}
    assert_refused(lambda: hc.ReLUNetwork.decode(**arguments), name)


def test_points_of_the_convex_program_in_different_dimensions():
    assert_refused(lambda: hc.ReLUNetwork.decode(np.ones((2, 3)), np.ones((3, 3))), "v")


@pytest.mark.parametrize("arrangement", [X, None, "all"], ids=["a matrix", "None", "a string"])
def test_bad_arrangement(arrangement):
    assert_refused(lambda: NETWORK.encode(arrangement), "arrangement")


def test_arrangement_of_another_dimension():
    other = hc.Arrangement.enumerate(np.eye(3))
    assert_refused(lambda: NETWORK.encode(other), "arrangement")


def test_vector_outputs_have_no_encoding():
    two = hc.ReLUNetwork(np.ones((1, 2)), np.ones((1, 2)))
    assert_refused(lambda: two.encode(ARRANGEMENT), "output_weights")


# Dual points and bounds


@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "no rows", "an empty list", "3-D"])
def test_bad_dual_point_of_a_problem(kind):
    nu = BAD_MATRICES[kind](Y)
    assert_refused(lambda: PROBLEM.dual_value(nu), "nu")
    assert_refused(lambda: PROBLEM.dual_bound(nu, 1.0), "nu")


def test_a_dual_point_pairs_with_the_targets():
    assert_refused(lambda: PROBLEM.dual_bound(np.ones(4), 1.0), "nu")
    two = hc.TrainingProblem(X, np.ones((3, 2)), 0.1)
    assert_refused(lambda: two.dual_bound(Y, 1.0), "nu")


@pytest.mark.parametrize("maximum", [-1.0, -np.inf, np.nan, "1", None, True, 1j, [1.0]], ids=repr)
def test_bad_maximum(maximum):
    assert_refused(lambda: PROBLEM.dual_bound(Y, maximum), "maximum")


# Wedge products


@pytest.mark.parametrize("kind", [k for k in BAD_ENTRIES if k != "4-D"])
@pytest.mark.parametrize("product", [hc.wedge.cross_product, hc.wedge.signed_volume])
def test_bad_vectors(product, kind):
    good = np.eye(3)[1:] if product is hc.wedge.cross_product else np.eye(3)
    assert_refused(lambda: product(BAD_ENTRIES[kind](good)), "vectors")


@pytest.mark.parametrize("shape", [(3,), (0, 0), (2, 2), (4, 3), (5, 1, 3), (0, 2)], ids=str)
def test_vectors_of_another_number(shape):
    assert_refused(lambda: hc.wedge.cross_product(np.ones(shape)), "vectors")


@pytest.mark.parametrize("shape", [(3,), (0, 0), (2, 3), (4, 3), (5, 1, 3)], ids=str)
def test_vectors_of_no_square(shape):
    assert_refused(lambda: hc.wedge.signed_volume(np.ones(shape)), "vectors")


def test_vectors_whose_volume_overflows():
    assert_refused(lambda: hc.wedge.cross_product(1e200 * np.eye(3)[1:]), "vectors")
    assert_refused(lambda: hc.wedge.signed_volume(1e200 * np.eye(3)), "vectors")


@pytest.mark.parametrize("norm", [0, 3, np.inf, "1", None, True], ids=repr)
def test_bad_norm(norm):
    assert_refused(lambda: hc.wedge.dictionary(X, norm=norm), "norm")


@pytest.mark.parametrize("value", [*NOT_A_COUNT, None], ids=repr)
def test_bad_max_columns(value):
    assert_refused(lambda: hc.wedge.dictionary(X, max_columns=value), "max_columns")


def test_a_dictionary_too_large_to_hold():
    assert_refused(lambda: hc.wedge.dictionary(np.random.default_rng(0).normal(size=(500, 9))), "X")


# certify and train


@pytest.mark.parametrize("network", [None, X, "network"], ids=["None", "a matrix", "a string"])
def test_certify_needs_a_network(network):
    assert_refused(lambda: hc.certify(network, PROBLEM), "network")


@pytest.mark.parametrize("problem", [None, X, "problem"], ids=["None", "a matrix", "a string"])
def test_certify_and_train_need_a_problem(problem):
    assert_refused(lambda: hc.certify(NETWORK, problem), "problem")
    assert_refused(lambda: hc.train(problem), "problem")


def test_certify_needs_a_network_on_the_problem_s_data():
    assert_refused(lambda: hc.certify(hc.ReLUNetwork([[1.0] * 3], [1.0]), PROBLEM), "network")
    two = hc.ReLUNetwork(np.ones((1, 2)), np.ones((1, 2)))
    assert_refused(lambda: hc.certify(two, PROBLEM), "network")


@pytest.mark.parametrize("rounds", [-1, 0.5, "1", None, True], ids=repr)
def test_bad_rounds(rounds):
    assert_refused(lambda: hc.certify(NETWORK, PROBLEM, rounds=rounds), "rounds")


@pytest.mark.parametrize("patterns", ["some", 0, -3, 2.5, None, True, X], ids=repr)
def test_bad_patterns(patterns):
    assert_refused(lambda: hc.train(PROBLEM, patterns=patterns), "patterns")


def test_patterns_of_other_data():
    other = hc.Arrangement.enumerate(2 + X[::-1])
    assert_refused(lambda: hc.train(PROBLEM, patterns=other), "patterns")


@pytest.mark.parametrize("tol", NOT_POSITIVE, ids=repr)
def test_bad_tolerance(tol):
    assert_refused(lambda: hc.train(PROBLEM, tol=tol), "tol")


@pytest.mark.parametrize("solver", ["newton", 3, True], ids=repr)
def test_bad_solver(solver):
    assert_refused(lambda: hc.train(PROBLEM, solver=solver), "solver")


@pytest.mark.parametrize("value", [0, 1, "yes", None, [True]], ids=repr)
@pytest.mark.parametrize("name", ["proof", "progress"])
def test_bad_switches(name, value):
    assert_refused(lambda: hc.train(PROBLEM, **{name: value}), name)
    assert_refused(lambda: hc.train_path(PROBLEM, [0.1], **{name: value}), name)
    assert_refused(lambda: hc.certify(NETWORK, PROBLEM, **{name: value}), name)


def test_bad_progress_of_a_proof():
    assert_refused(lambda: BranchAndBound(X, progress=1), "progress")


# Oracles

ORACLES = {
    "Circle": lambda: Circle(X),
    "Ascent": lambda: Ascent(X),
    "Exhaustive": lambda: Exhaustive(ARRANGEMENT),
}


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "no rows", "an empty list", "3-D"])
def test_bad_dual_point(oracle, kind):
    assert_refused(lambda: ORACLES[oracle]()(BAD_MATRICES[kind](Y)), "nu")


@pytest.mark.parametrize("oracle", ORACLES)
def test_dual_point_of_another_length(oracle):
    assert_refused(lambda: ORACLES[oracle]()(np.ones(4)), "nu")


def test_the_circle_is_for_two_columns():
    assert_refused(lambda: Circle(np.ones((4, 3))), "X")


# Zonotopes

ZONOTOPE = hc.Zonotope(X)
TAKES_POINTS = {"support": "U", "contains": "p", "project": "p"}


@pytest.mark.parametrize("method", TAKES_POINTS)
@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "3-D", "an empty list"])
def test_bad_points(method, kind):
    call, name = getattr(ZONOTOPE, method), TAKES_POINTS[method]
    assert_refused(lambda: call(BAD_MATRICES[kind](np.ones((4, 2)))), name)


@pytest.mark.parametrize("method", TAKES_POINTS)
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 3)], ids=str)
def test_points_of_another_dimension(method, shape):
    assert_refused(lambda: getattr(ZONOTOPE, method)(np.ones(shape)), TAKES_POINTS[method])


@pytest.mark.parametrize("k", [-1, len(ZONOTOPE), 1.0, "0", None, True], ids=repr)
def test_bad_vertex(k):
    assert_refused(lambda: ZONOTOPE.normal_cone(k), "k")


@pytest.mark.parametrize("value", [*NOT_A_COUNT, None], ids=repr)
def test_bad_number_of_vertices(value):
    assert_refused(lambda: hc.Zonotope(X, max_chambers=value), "max_chambers")


@pytest.mark.parametrize("other", [X, None, "zonotope"], ids=["a matrix", "None", "a string"])
def test_the_hausdorff_distance_is_that_of_two_zonotopes(other):
    assert_refused(lambda: ZONOTOPE.hausdorff(other), "other")


def test_zonotopes_of_different_dimensions():
    other = hc.Zonotope(np.eye(3))
    assert_refused(lambda: ZONOTOPE.hausdorff(other), "p")
    assert_refused(lambda: ZONOTOPE + other, "X")


# One-dimensional data

LINE, TARGETS = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 0.5])
TAKES_A_LINE = {
    "splines.train": lambda x, y, beta: hc.splines.train(x, y, beta),
    "splines.beta_max": lambda x, y, beta: hc.splines.beta_max(x, y),
    "mirrors.train": lambda x, y, beta: hc.mirrors.train(x, y, beta),
    "mirrors.beta_max": lambda x, y, beta: hc.mirrors.beta_max(x, y),
}
BAD_LINES = [*BAD_ENTRIES, "an empty list", "no rows", "3-D"]


@pytest.mark.parametrize("entry", TAKES_A_LINE)
@pytest.mark.parametrize("kind", BAD_LINES)
def test_bad_line(entry, kind):
    assert_refused(lambda: TAKES_A_LINE[entry](BAD_MATRICES[kind](LINE), TARGETS, 0.1), "x")
    assert_refused(lambda: TAKES_A_LINE[entry](LINE, BAD_MATRICES[kind](TARGETS), 0.1), "y")


@pytest.mark.parametrize("kind", BAD_LINES)
@pytest.mark.parametrize(
    "takes", [hc.mirrors.MirrorDictionary, lambda x: hc.mirrors.dictionary(x, 3)]
)
def test_bad_line_of_a_dictionary(takes, kind):
    assert_refused(lambda: takes(BAD_MATRICES[kind](LINE)), "x")


@pytest.mark.parametrize("entry", TAKES_A_LINE)
def test_targets_of_another_length_than_the_line(entry):
    assert_refused(lambda: TAKES_A_LINE[entry](LINE, np.ones(4), 0.1), "y")


@pytest.mark.parametrize("train", [hc.splines.train, hc.mirrors.train])
@pytest.mark.parametrize("value", NOT_POSITIVE, ids=repr)
def test_bad_beta_and_tolerance_on_a_line(train, value):
    assert_refused(lambda: train(LINE, TARGETS, value), "beta")
    assert_refused(lambda: train(LINE, TARGETS, 0.1, tol=value), "tol")


@pytest.mark.parametrize("layers", [1, 0, -1, 2.5, "3", None, True], ids=repr)
def test_bad_number_of_layers(layers):
    assert_refused(lambda: hc.mirrors.train(LINE, TARGETS, 0.1, layers), "layers")
    assert_refused(lambda: hc.mirrors.reflections(LINE, layers), "layers")


def test_too_many_reflections_to_list():
    assert_refused(lambda: hc.mirrors.train(np.arange(50.0), np.arange(50.0), 0.1, 5), "layers")
    assert_refused(lambda: hc.mirrors.reflections(LINE, 3, max_columns=2), "max_columns")
    assert_refused(lambda: hc.mirrors.reflections(LINE, 3, max_columns=0), "max_columns")


def test_bad_parallel_networks():
    good = np.ones((2, 2))
    assert_refused(lambda: hc.ParallelNetwork(good, np.ones((2, 1)), np.ones(2)), "biases")
    assert_refused(lambda: hc.ParallelNetwork(good, good, np.ones(3)), "amplitudes")
    assert_refused(lambda: hc.ParallelNetwork(good, good, [1.0, np.nan]), "amplitudes")
    assert_refused(lambda: hc.ParallelNetwork(good, good, np.ones(2), np.inf), "constant")
    assert_refused(lambda: hc.ParallelNetwork(good[:, :0], good[:, :0], np.ones(2)), "weights")
    for activation in ("tanh", None, 3):
        assert_refused(
            lambda name=activation: hc.ParallelNetwork(good, good, np.ones(2), 0, name),
            "activation",
        )
    network = hc.ParallelNetwork(good, good, np.ones(2))
    assert_refused(lambda: network(np.ones((3, 1))), "x")
    assert_refused(lambda: network.objective(LINE, np.ones(2), 0.1), "y")
    assert_refused(lambda: network.penalty(0), "beta")
    assert_refused(
        lambda: hc.ParallelNetwork.from_features([1.0], np.ones((2, 1)), 0.0), "coefficients"
    )


def test_bad_runs_of_parallel_descent():
    pytest.importorskip("torch")
    from hidden_convexity.line.descent import adam

    good = {"beta": 0.1, "layers": 3, "branches": 2, "seeds": [0], "steps": 5}
    for name, value in [
        ("beta", 0.0),
        ("layers", 1),
        ("branches", 0),
        ("seeds", []),
        ("seeds", [-1]),
        ("steps", 0),
        ("learning_rate", -1.0),
    ]:
        assert_refused(
            lambda given=(name, value): adam(LINE, TARGETS, **{**good, given[0]: given[1]}), name
        )
    assert_refused(lambda: adam(np.ones(3), TARGETS, **good), "x")
    assert_refused(lambda: adam(LINE, np.ones(3), **good), "y")


# Networks side by side, all optima, and networks smaller than these

SEVERAL_OUTPUTS = hc.ReLUNetwork(np.ones((1, 2)), np.ones((1, 2)))
WITH_A_LINE = hc.ReLUNetwork([[1.0, 0.0]], [1.0], skip=np.ones(2))
TAKES_A_NETWORK = {
    "align": (lambda one: paths.align(one, NETWORK), "network"),
    "align, the other": (lambda one: paths.align(NETWORK, one), "other"),
    "barrier": (lambda one: paths.barrier(one, NETWORK, PROBLEM), "network"),
    "barrier, the other": (lambda one: paths.barrier(NETWORK, one, PROBLEM), "other"),
    "prune_below": (lambda one: landscape.prune_below(one, PROBLEM, 1), "network"),
    "optimal_set": (
        lambda one: landscape.optimal_set(PROBLEM, replace(solved(), network=one)),
        "solution",
    ),
}


@cache
def solved():
    return hc.train(PROBLEM, tol=1e-9)


@pytest.mark.parametrize("entry", TAKES_A_NETWORK)
def test_the_landscape_is_that_of_plain_networks_of_one_output(entry):
    """`barrier` called the other network "network"; `optimal_set` failed in Python's own words."""
    call, name = TAKES_A_NETWORK[entry]
    bad = [SEVERAL_OUTPUTS, WITH_A_LINE, hc.ReLUNetwork(np.eye(3), np.ones(3))]
    if entry != "optimal_set":
        bad += [None, X, "network", solved()]
    for network in bad:
        assert_refused(lambda given=network: call(given), name)


def test_the_landscape_is_that_of_a_problem():
    for problem in (None, X, "problem", solved()):
        for call in (
            lambda one: paths.barrier(NETWORK, NETWORK, one),
            lambda one: landscape.prune_below(NETWORK, one, 1),
            lambda one: landscape.optimal_set(one, solved()),
        ):
            assert_refused(partial(call, problem), "problem")


@pytest.mark.parametrize(
    "options",
    [{"loss": "logistic"}, {"loss": "hinge"}, {"skip": True}, {"sample_weight": [1.0, 2.0, 3.0]}],
    ids=str,
)
def test_all_optima_and_smaller_networks_are_those_of_the_squared_loss(options):
    other = hc.TrainingProblem(X, np.sign(Y), 0.1, **options)
    assert_refused(lambda: landscape.prune_below(NETWORK, other, 0), "problem")
    assert_refused(lambda: landscape.optimal_set(other, solved()), "problem")


@pytest.mark.parametrize("value", [*NOT_A_COUNT, 1, None], ids=repr)
def test_bad_points_of_a_barrier(value):
    assert_refused(lambda: paths.barrier(NETWORK, NETWORK, PROBLEM, points=value), "points")


@pytest.mark.parametrize("value", [-1, 1.5, np.nan, "3", None, True], ids=repr)
def test_bad_number_of_neurons_to_prune_to(value):
    assert_refused(lambda: landscape.prune_below(NETWORK, PROBLEM, value), "neurons")


@pytest.mark.parametrize("solution", [None, X, "solution", NETWORK, PROBLEM], ids=type)
def test_all_optima_start_from_a_solution(solution):
    assert_refused(lambda: landscape.optimal_set(PROBLEM, solution), "solution")


def test_all_optima_start_from_an_optimum_of_this_problem():
    """Those of another problem, and of rough training, gave a set of networks that are none."""
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(12, 3)), rng.normal(size=12)
    problem = hc.TrainingProblem(A, b, 0.05 * hc.beta_max(A, b))
    rough = hc.train(problem, tol=0.5)
    assert rough.scope == "global" and rough.gap > 1e-3
    other = hc.train(hc.TrainingProblem(A, -b, problem.beta))
    for solution in (rough, other):
        assert_refused(lambda given=solution: landscape.optimal_set(problem, given), "solution")


@pytest.mark.parametrize("value", [*NOT_A_COUNT, None], ids=repr)
def test_bad_number_of_chambers_for_all_optima(value):
    assert_refused(lambda: landscape.optimal_set(PROBLEM, solved(), value), "max_chambers")


@pytest.mark.parametrize("kind", [*BAD_ENTRIES, "3-D"])
def test_bad_inputs_and_targets_that_an_optimum_shall_be_close_to(kind):
    optima = landscape.optimal_set(PROBLEM, solved())
    assert_refused(lambda: optima.closest(BAD_MATRICES[kind](X), Y), "X")
    assert_refused(lambda: optima.closest(X, BAD_MATRICES[kind](Y)), "y")
    assert_refused(lambda: optima.closest(X, np.ones(4)), "X")
    assert_refused(lambda: optima.closest(np.ones((3, 3)), Y), "X")


# What other libraries hold and NumPy would misread: each refused in a sentence that can be followed


def masked(a):
    return np.ma.array(a, mask=np.arange(np.size(a)).reshape(np.shape(a)) == 0)


MISREAD = {
    "masked": (masked, "masked.*filled"),
    "rows, some masked": (lambda a: list(masked(a)), "masked.*filled"),
    "sparse": (lambda a: sparse.csr_array(np.atleast_2d(a)), "csr_array.*toarray"),
    "missing": (lambda a: pandas_table(a), r"to_numpy\(dtype=float\)"),
    "gradients": (lambda a: tensor(a, requires_grad=True), r"detach\(\)"),
    "bfloat16": (lambda a: tensor(a, dtype="bfloat16"), r"double\(\)"),
}


def pandas_table(a):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(np.atleast_2d(a)).astype("Float64")
    table.iloc[0, 0] = pandas.NA
    return table


def tensor(a, dtype="float64", **options):
    torch = pytest.importorskip("torch")
    return torch.tensor(np.asarray(a), dtype=getattr(torch, dtype), **options)


@pytest.mark.parametrize("kind", MISREAD)
def test_arrays_of_other_kinds_are_not_misread(kind):
    """Masks were lost: hidden entries were trained on. Others failed in NumPy's own words."""
    spoil, remedy = MISREAD[kind]
    for entry in ("Arrangement.enumerate", "TrainingProblem", "a network", "beta_max"):
        with pytest.raises((TypeError, ValueError), match=rf"^X .*{remedy}"):
            TAKES_X[entry](spoil(X))
    with pytest.raises((TypeError, ValueError), match=rf"^y .*{remedy}"):
        hc.TrainingProblem(X, spoil(Y), 0.1)


def test_a_mask_that_hides_nothing_is_welcome():
    assert hc.TrainingProblem(np.ma.array(X), Y, 0.1).X.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [({"requires_grad": True}, r"detach\(\)"), ({"dtype": "bfloat16"}, "float32 or float64")],
)
def test_gated_training_takes_tensors_it_can_read(options, remedy):
    with pytest.raises(TypeError, match=rf"^X .*{remedy}"):
        train_gated(tensor(X, **options), tensor(Y), tensor(np.eye(2)), 0.1)
