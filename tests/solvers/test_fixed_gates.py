"""Programs over fixed gates: their optimum, their bounds, and the ReLU networks made of them."""

from fractions import Fraction

import cvxpy as cp
import exact
import numpy as np
import pytest
import trouble
from gated_program import optimum
from scipy.optimize import nnls

import hidden_convexity as hc
from hidden_convexity.foundations.budget import Budget
from hidden_convexity.geometry.cones import project_each
from hidden_convexity.geometry.hyperplanes import active, unit_rows
from hidden_convexity.problem.losses import LOSSES
from hidden_convexity.solvers.fixed_gates import cones as cone_program
from hidden_convexity.solvers.fixed_gates import newton
from hidden_convexity.solvers.fixed_gates.flats import Pairs
from hidden_convexity.solvers.fixed_gates.gated import (
    GatedSolution,
    cone_decomposition,
    gated_beta_max,
    train_gated,
    train_gated_path,
)
from hidden_convexity.solvers.fixed_gates.interpolation import interpolate
from hidden_convexity.solvers.fixed_gates.ridge import Kernel

torch = pytest.importorskip("torch")
Softmax = LOSSES["softmax"]()
# Programs to solve: loss and number of outputs, 0 for targets (n,).
KINDS = [("squared", 0), ("squared", 3), ("logistic", 0), ("softmax", 3)]


def instance(kind, n=30, d=3, P=12, seed=0):
    """X, targets of a kind, and gates."""
    loss, outputs = kind
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)])
    clean = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=n)
    targets = {
        "squared": clean if outputs == 0 else np.column_stack([clean, clean**2, X[:, 0]]),
        "logistic": np.where(clean > 0, 1.0, -1.0),
        "softmax": np.eye(3)[np.digitize(clean, [-0.3, 0.3])],
    }
    return X, targets[loss], rng.normal(size=(d, P))


def value(X, Y, gates, beta, loss, solution):
    """The objective again, one gate at a time, from nothing but weights and gates."""
    f = np.zeros(Y.shape)
    for gate, W in zip(gates.T, solution.weights, strict=True):
        f += ((X @ gate > 0) * (X @ W).T).T
    penalty = sum(np.linalg.norm(W) for W in solution.weights)
    if loss == "softmax":
        fit = sum(np.log(np.exp(row).sum()) - row @ y for row, y in zip(f, Y, strict=True))
    else:
        fit = hc.TrainingProblem(X, Y, 1.0, loss).loss_value(f)
    return fit + beta * penalty


@pytest.mark.parametrize("share", [0.02, 0.3])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_gated_training_reaches_the_optimum_of_the_program(kind, share):
    X, Y, gates = instance(kind)
    beta = share * gated_beta_max(X, Y, gates, kind[0])
    solution = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-6)
    least = optimum(X, Y, gates, beta, kind[0])
    assert solution.gap <= 1e-6 and solution.scope == "sampled"
    assert solution.objective == pytest.approx(least, rel=2e-6)
    assert solution.lower_bound <= least * (1 + 1e-7)
    assert solution.objective == pytest.approx(
        value(X, Y, gates, beta, kind[0], solution), rel=1e-10
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_bound_on_the_way_is_below_the_optimum(kind):
    for seed in range(3):
        X, Y, gates = instance(kind, seed=seed)
        beta = 0.05 * gated_beta_max(X, Y, gates, kind[0])
        least = optimum(X, Y, gates, beta, kind[0])
        for tol in (0.5, 1e-2, 1e-4):
            solution = train_gated(X, Y, gates, beta, loss=kind[0], tol=tol)
            assert solution.gap <= tol
            assert all(0 <= step.lower_bound <= least * (1 + 1e-7) for step in solution.history)
            assert all(step.objective >= least * (1 - 1e-7) for step in solution.history)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_above_gated_beta_max_no_gate_has_weights(kind):
    X, Y, gates = instance(kind)
    top = gated_beta_max(X, Y, gates, kind[0])
    none, some = (train_gated(X, Y, gates, s * top, loss=kind[0]) for s in (1.001, 0.9))
    assert len(none) == 0 and not none.weights.any() and none.gap < 1e-12
    assert len(some) > 0 and some.objective < none.objective


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_two_vectors_a_gate_are_worth_no_more_than_one(kind):
    """u_g - v_g without cones merges: opposite copies of each gate change nothing."""
    X, Y, gates = instance(kind)
    beta = 0.1 * gated_beta_max(X, Y, gates, kind[0])
    one = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-6)
    two = train_gated(X, Y, np.concatenate([gates] * 2, axis=1), beta, loss=kind[0], tol=1e-6)
    assert two.objective == pytest.approx(one.objective, rel=2e-6)


@pytest.mark.parametrize("seed", range(6))
def test_newton_steps_leave_no_gap_where_samples_are_few(seed):
    """Steps projected on eta >= 0 all at once ended at gaps of a tenth on half of these."""
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(8, 8)) / np.sqrt(8), rng.normal(size=8)
    masks = np.column_stack([np.ones(8), X @ rng.normal(size=(8, 50)) > 0])
    model = Kernel(X, (X @ w)[:, None], masks, X @ X.T)
    eta, _ = newton.minimise(model, 1e-3, np.full(51, 0.02), 1e-10)
    end = model.at(eta, 1e-3)
    objective = 0.5 * end.energy + eta @ end.norms
    largest = end.norms.max()
    assert newton.quadratic_gap(objective, end.energy, end.fit, largest, 1e-3) <= 1e-10


@pytest.mark.parametrize("n", [20, 400])
def test_kernel_and_gram_matrices_lead_to_one_optimum(n, monkeypatch):
    X, Y, gates = instance(("squared", 3), n=n)
    beta = 0.02 * gated_beta_max(X, Y, gates)
    values = []
    for share in (0.0, np.inf):
        monkeypatch.setattr(newton, "GRAM_SHARE", share)
        values.append(train_gated(X, Y, gates, beta, tol=1e-9).objective)
    monkeypatch.setattr(newton, "FACTORED", 0)  # gradients
    values.append(train_gated(X, Y, gates, beta, tol=1e-7).objective)
    assert values == pytest.approx([values[0]] * 3, rel=2e-7)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_path_is_that_of_single_runs(kind):
    X, Y, gates = instance(kind)
    betas = gated_beta_max(X, Y, gates, kind[0]) * np.array([0.02, 0.5, 0.1])
    path = train_gated_path(X, Y, gates, betas, loss=kind[0], tol=1e-5)
    for beta, solution in zip(betas, path, strict=True):
        alone = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-5)
        assert solution.objective == pytest.approx(alone.objective, rel=2e-5)
        again = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-5, start=solution)
        assert len(again.history) == 1
        assert again.objective == pytest.approx(solution.objective, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_numpy_and_pytorch_arrays_agree(kind):
    X, Y, gates = instance(kind)
    beta = 0.05 * gated_beta_max(X, Y, gates, kind[0])
    ours = train_gated(X, Y, gates, beta, loss=kind[0], tol=1e-5)
    tensors = [torch.tensor(array) for array in (X, Y, gates)]
    theirs = train_gated(*tensors, beta, loss=kind[0], tol=1e-5)
    assert isinstance(theirs.weights, torch.Tensor) and theirs.weights.dtype == torch.float64
    assert theirs.objective == pytest.approx(ours.objective, rel=1e-9)
    assert theirs.predict(tensors[0]).numpy() == pytest.approx(ours.predict(X), abs=1e-6)
    assert gated_beta_max(*tensors, kind[0]) == pytest.approx(
        gated_beta_max(X, Y, gates, kind[0]), rel=1e-12
    )


@pytest.mark.parametrize("library", [np.asarray, torch.tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_single_precision_reaches_its_accuracy_and_its_bound_holds(kind, library):
    single = [array.astype(np.float32) for array in instance(kind)]
    double = [array.astype(np.float64) for array in single]
    beta = 0.05 * gated_beta_max(*double, kind[0])
    solution = train_gated(*map(library, single), beta, loss=kind[0], tol=1e-5)
    assert "float32" in str(solution.weights.dtype) and solution.gap <= 1e-5
    exact = train_gated(*double, beta, loss=kind[0], tol=1e-9)
    assert exact.lower_bound <= solution.objective
    assert solution.lower_bound <= exact.objective


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_predictions_on_the_data_are_the_outputs(kind):
    X, Y, gates = instance(kind)
    solution = train_gated(X, Y, gates, 1.0, loss=kind[0], tol=1e-3)
    new = np.random.default_rng(1).normal(size=(7, X.shape[1]))
    assert solution.predict(new).shape == (7, *Y.shape[1:])
    loud = sum(
        ((new @ gate > 0) * (new @ W).T).T
        for gate, W in zip(gates.T, solution.weights, strict=True)
    )
    assert solution.predict(new) == pytest.approx(loud, abs=1e-12)


def test_ties_and_useless_gates_are_welcome():
    X = np.array([[1, 1], [1, 1], [-1, 1], [-2, 2], [0, 0], [0, 1]], dtype=float)
    Y = np.array([1.0, 2.0, -1.0, 0.5, 3.0, 1.0])
    gates = np.array([[1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0, 0.0]])
    solution = train_gated(X, Y, gates, 0.1, tol=1e-8)
    assert solution.objective == pytest.approx(optimum(X, Y, gates, 0.1, "squared"), rel=1e-7)
    assert not solution.weights[-2:].any()
    assert train_gated(X, 0 * Y, gates, 0.1).objective == 0.0


# The dual of the cross-entropy


def test_the_dual_value_of_the_cross_entropy_is_minus_its_conjugate():
    """-F*(-nu) is the smallest F(f) + nu.f, attained where y - nu are the probabilities."""
    rng = np.random.default_rng(0)
    y, f = np.eye(4)[rng.integers(0, 4, 6)], rng.normal(size=(6, 4))
    nu = Softmax.residual(y, f)
    least = Softmax.value(y, f) + (nu * f).sum()
    assert Softmax.dual_value(y, nu) == pytest.approx(least, rel=1e-12)
    for _ in range(50):
        other = f + rng.normal(size=f.shape)
        assert Softmax.value(y, other) + (nu * other).sum() >= least
    assert Softmax.dual_value(y, y + 0.1) == -np.inf


@pytest.mark.parametrize("seed", range(5))
def test_no_scaling_of_a_dual_point_of_the_cross_entropy_beats_the_best_one(seed):
    rng = np.random.default_rng(seed)
    y = np.eye(3)[rng.integers(0, 3, 8)]
    nu = Softmax.residual(y, rng.normal(size=(8, 3)) * rng.integers(1, 6))
    best = Softmax.dual_value(y, Softmax.best_scale(y, nu) * nu)
    scales = np.linspace(0, 1 / nu.max(), 1_001)[:-1]
    assert best >= max(Softmax.dual_value(y, s * nu) for s in scales) - 1e-12


# Cones


@pytest.mark.parametrize("seed", range(5))
def test_projections_onto_cones_are_those_of_moreau(seed):
    """z is in the cone, orthogonal to z - a, and that is a sum of m_i b_i with m >= 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(25, 4))
    X[3], X[4], X[5] = X[1], -2 * X[2], 0.0
    patterns = np.ascontiguousarray((X @ rng.normal(size=(4, 6)) > 0).T)
    points, owner = rng.normal(size=(6, 4)), np.arange(6)
    tight, counts, z = np.zeros((6, 4), dtype=int), np.zeros(6, dtype=int), np.empty((6, 4))
    for _ in range(3):  # from nothing, from the answer, from the answer for another point
        multipliers = np.empty_like(points)
        project_each(
            unit_rows(X), patterns, owner, points, tight, counts, z, multipliers, np.zeros(6)
        )
        for k in range(6):
            inward = np.where(patterns[k][:, None], X, -X)
            assert (inward @ z[k] >= -1e-10).all()
            assert abs(z[k] @ (points[k] - z[k])) < 1e-10
            assert nnls(inward.T, z[k] - points[k])[1] < 1e-10  # what is left after m >= 0
        points = points + 0.3 * rng.normal(size=points.shape)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize(("n", "d", "P", "share"), [(20, 2, 15, 0.02), (15, 4, 20, 0.1)])
def test_training_over_cones_reaches_the_optimum_of_the_program(loss, n, d, P, share):
    X, y, _ = instance((loss, 0), n=n, d=d)
    arrangement = hc.Arrangement.sample(X, P)
    problem = hc.TrainingProblem(X, y, share * hc.beta_max(X, y), loss)
    ours = hc.train(problem, patterns=arrangement)
    reference = hc.train(problem, patterns=arrangement, solver="cvxpy")
    assert ours.scope == "sampled" and ours.gap <= 1e-6
    assert ours.objective == pytest.approx(reference.objective, rel=1e-6)
    assert all(step.lower_bound <= reference.objective * (1 + 1e-9) for step in ours.history)
    assert ours.objective == pytest.approx(problem.objective(ours.network), rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_walls_that_are_nearly_opposite_take_no_bound_below_the_maximum(seed):
    """What multipliers of 1e6 rounded away was charged to nothing."""
    rng = np.random.default_rng(seed)
    thin = 10.0 ** rng.uniform(-6, -5)
    X = np.array([[1, thin, 0], [-1, thin, 0], [0, 1, rng.uniform(0.1, 0.9)], [0, 0.05, 1]])
    turned = trouble.turn(rng, 3)
    arrangement = hc.Arrangement.from_gates(X @ turned, (turned.T @ [0.0, 1.0, 0.3])[:, None])
    X, pattern = arrangement.X, arrangement.patterns[:, 0]
    nu = np.array([*(1e-2 * rng.normal(size=2)), -1, rng.uniform(1.2, 3)])
    norms, rounded = cone_program._dual_norms(X, Pairs(X, arrangement.patterns), nu, 0.0)
    maximum = (norms + rounded).max() + cone_program._rounding(X, nu)
    for sign in (1, -1):
        assert Fraction(maximum) ** 2 >= exact.cone_maximum_squared(X, pattern, sign * nu)


def test_neurons_stay_in_the_cones_of_the_given_patterns():
    X, y, _ = instance(("squared", 0), n=60, d=6)
    arrangement = hc.Arrangement.sample(X, 40)
    network = hc.train(hc.TrainingProblem(X, y, 0.5), patterns=arrangement).network
    assert len(network) > 0
    network.encode(arrangement)  # refuses a neuron in none of the chambers


def test_the_program_over_cones_with_ties():
    rng = np.random.default_rng(0)
    X = rng.integers(-2, 3, size=(60, 3)).astype(float)
    arrangement = hc.Arrangement.sample(X, 200)
    problem = hc.TrainingProblem(X, rng.normal(size=60), 0.5)
    solution = cone_program.solve(problem, arrangement, 1e-6, Budget())
    assert solution.gap <= 1e-6
    assert solution.objective >= hc.train(problem).lower_bound


# Gates that lie on a sample's hyperplane

WEDGES = np.array([[0.1, 0.7], [0.3, 0.2], [0.7, 0.9]])


def wedge_gates(X):
    """One gate orthogonal to each sample, the third at another length, which rounds it again."""
    gates = np.stack([-X[:, 1], X[:, 0]])
    gates[:, 2] /= 3
    return gates


def test_samples_on_gates_make_one_program_at_every_scale():
    """Roundoff chose their side before: the same program had the values 0.13, 0.08 and 2.03."""
    gates, y = wedge_gates(WEDGES), [1.0, 2.0, 3.0]
    values = [
        train_gated(k * WEDGES, y, gates, 0.01 * k, tol=1e-9).objective for k in (1, 3, 10, 1 / 7)
    ]
    # ||W|| scales by 1 / k where X scales by k.
    np.testing.assert_allclose(values, values[0], rtol=1e-6)


def test_a_sample_on_a_gate_is_predicted_alone_as_in_its_batch():
    X = np.random.default_rng(0).normal(size=(40, 3))
    gates = np.concatenate([np.cross(X[:20], X[20:]), np.cross(X[20:], X[:20]) / 3]).T
    solution = train_gated(X, X[:, 0] ** 2, gates, 0.01)
    alone = np.concatenate([solution.predict(x[None]) for x in X])
    np.testing.assert_allclose(alone, solution.predict(X), atol=1e-12)
    np.testing.assert_allclose(alone, solution.predict(X[::-1])[::-1], atol=1e-12)
    np.testing.assert_allclose(solution.predict(3e5 * X), 3e5 * alone, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_a_sample_on_a_gate_is_off_and_one_beside_it_is_on(precision):
    X = np.random.default_rng(1).normal(size=(500, 2)).astype(precision)
    gates = np.stack([-X[:, 1], X[:, 0]]) / np.arange(1, 501, dtype=precision)
    patterns = active(X, gates)
    assert patterns.dtype == bool and not np.diagonal(patterns).any()
    toward = np.finfo(precision).eps * np.linalg.norm(gates, axis=0) * unit_rows(X).T
    beside = gates + 100 * toward
    assert np.diagonal(active(X, beside)).all()
    assert not np.diagonal(active(X, gates + 20 * toward)).any()


def test_an_arrangement_and_a_gated_program_have_the_same_patterns():
    X = np.random.default_rng(2).normal(size=(30, 3))
    arrangement = hc.Arrangement.sample(X, 200)
    np.testing.assert_array_equal(active(X, arrangement.gates), arrangement.patterns)


# From gated to ReLU networks


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_cone_decomposition_keeps_the_outputs_and_its_cones_hold(kind):
    X, Y, gates = instance(kind, n=40, d=4)
    beta = 0.05 * gated_beta_max(X, Y, gates, kind[0])
    solution = train_gated(X, Y, gates, beta, loss=kind[0])
    network = cone_decomposition(solution, X)
    outputs = solution.predict(X)
    assert network(X) == pytest.approx(outputs, abs=1e-8 * np.abs(outputs).max())
    patterns = (X @ gates > 0)[:, solution.used]
    for w in network.hidden_weights:
        depth = (2 * patterns - 1) * (X @ w)[:, None] / np.linalg.norm(w)
        assert depth.min(axis=0).max() >= -1e-9


def test_no_other_decomposition_is_shorter():
    X, Y, gates = instance(("squared", 0), n=40, d=4)
    solution = train_gated(X, Y, gates, 0.5)
    u, v = (cp.Variable((4, len(solution))) for _ in range(2))
    used = solution.used
    signs = 2.0 * (X @ gates[:, used] > 0) - 1
    constraints = [u - v == solution.weights[used].T]
    constraints += [cp.multiply(signs, X @ part) >= 0 for part in (u, v)]
    lengths = cp.sum(cp.norm(u, 2, axis=0)) + cp.sum(cp.norm(v, 2, axis=0))
    least = cp.Problem(cp.Minimize(lengths), constraints).solve(solver=cp.CLARABEL)
    network = cone_decomposition(solution, X)
    ours = 0.5 * ((network.hidden_weights**2).sum() + (network.output_weights**2).sum())
    assert ours == pytest.approx(least, rel=1e-6)
    assert least >= sum(np.linalg.norm(solution.weights, axis=1))


def test_a_gated_solution_says_what_it_is():
    X, Y, gates = instance(("squared", 0))
    solution = train_gated(X, Y, gates, 0.5, tol=1e-6)
    assert isinstance(solution, GatedSolution)
    assert repr(solution).startswith("GatedSolution(objective=") and "sampled" in repr(solution)
    assert repr(solution).endswith(f"{len(solution)} of 12 gates)")


# Bad input


def refused(name, *arguments, **options):
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        train_gated(*arguments, **options)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: np.where(np.arange(a.size).reshape(a.shape) == 0, np.nan, a),
        lambda a: np.full_like(a, np.inf),
        lambda a: a.astype(str),
        lambda a: a + 1j,
        lambda a: np.ones((2, 2, 2)),
        lambda a: a[:0],
        lambda a: torch.full(a.shape, torch.nan),
        lambda a: torch.ones(a.shape, dtype=torch.int64),
        lambda a: torch.ones((2, 2, 2)),
        lambda a: None,
    ],
)
@pytest.mark.parametrize("name", ["X", "Y", "gates"])
def test_bad_arrays_are_refused(name, spoil):
    arguments = dict(zip(("X", "Y", "gates"), instance(("squared", 0)), strict=True))
    arguments[name] = spoil(arguments[name])
    refused(name, *arguments.values(), 1.0)


def test_arrays_that_do_not_fit_together_are_refused():
    X, Y, gates = instance(("squared", 0))
    refused("Y", X, Y[:-1], gates, 1.0)
    refused("gates", X, Y, gates[:-1], 1.0)
    refused("Y", X, torch.tensor(Y), gates, 1.0)
    refused("Y", X, Y, gates, 1.0, loss="logistic")
    refused("Y", X, Y, gates, 1.0, loss="softmax")
    refused("Y", X, np.ones((len(X), 2)), gates, 1.0, loss="softmax")


@pytest.mark.parametrize("number", [0, -1.0, np.nan, np.inf, "1", None, True])
def test_bad_numbers_are_refused(number):
    X, Y, gates = instance(("squared", 0))
    refused("beta", X, Y, gates, number)
    refused("tol", X, Y, gates, 1.0, tol=number)


def test_other_bad_arguments_are_refused():
    X, Y, gates = instance(("squared", 0))
    solution = train_gated(X, Y, gates, 1.0)
    for loss in ("hinge", None, ["squared"]):
        refused("loss", X, Y, gates, 1.0, loss=loss)
    refused("start", X, Y, gates, 1.0, start=np.zeros(3))
    refused("start", X, Y, gates[:, :5], 1.0, start=solution)
    for betas in ([], [0.0], [[1.0]], "small"):
        with pytest.raises((TypeError, ValueError), match="betas"):
            train_gated_path(X, Y, gates, betas)
    for data in (X[:, 1:], "X", None):
        with pytest.raises((TypeError, ValueError), match="X"):
            solution.predict(data)
        with pytest.raises((TypeError, ValueError), match="X"):
            cone_decomposition(solution, data)


def test_rounding_of_a_nearly_vanished_loss_does_not_end_the_descent():
    rng = np.random.default_rng(0)
    X, gates = rng.standard_normal((120, 12)), rng.standard_normal((12, 60))
    labels = np.eye(3)[rng.integers(3, size=120)]
    beta = 1e-4 * gated_beta_max(X, labels, gates, loss="softmax")
    assert train_gated(X, labels, gates, beta, loss="softmax", tol=1e-6).gap <= 1e-6


@pytest.mark.parametrize("noise", [1e2, 1e4, 1e6, 1e8])
def test_a_loss_that_nothing_can_lower_does_not_hide_the_rest(noise):
    """Steps were judged against ||y||: from 1e4 on no neuron entered, and the gap was 0.81."""
    X, y = np.array([[1.0], [1.0], [2.0]]), np.array([noise, -noise, 2.0])
    problem = hc.TrainingProblem(X, y, 0.1 * hc.beta_max(X, y))
    solution = hc.train(problem, patterns=hc.Arrangement.sample(X, 10))
    assert solution.gap <= 1e-6
    # f(x) = c x with 6 c = 4 - beta, for any noise; a gap relative to the loss says so up to here.
    if noise <= 1e4:
        wanted = (4 - problem.beta) / 6 * X[:, 0]
        np.testing.assert_allclose(solution.network(X), wanted, rtol=1e-4)
    else:
        assert len(solution.network) == 1


@pytest.mark.parametrize("unit", [1e-74, 1e-60, 1e60, 1e74])
def test_programs_over_given_patterns_do_not_depend_on_units(unit):
    """Products of four entries overflowed long before 1e75, which X and y may reach."""
    X, y, gates = instance(("squared", 0))
    chambers = hc.Arrangement.sample(X, 12)
    far = hc.Arrangement.sample(unit * X, 12)
    beta = 0.1 * gated_beta_max(X, y, gates)
    assert gated_beta_max(unit * X, unit * y, gates) == pytest.approx(10 * beta * unit**2)
    one, other = (train_gated(k * X, k * y, gates, k * beta * k, tol=1e-6) for k in (1.0, unit))
    assert other.gap <= 1e-6
    assert other.objective / unit / unit == pytest.approx(one.objective, rel=1e-6)
    np.testing.assert_allclose(other.predict(unit * X) / unit, one.predict(X), atol=1e-3)
    again = train_gated(unit * X, unit * y, gates, unit * beta * unit, tol=1e-6, start=other)
    assert len(again.history) == 1
    cones = hc.train(hc.TrainingProblem(X, y, beta), patterns=chambers)
    moved = hc.train(hc.TrainingProblem(unit * X, unit * y, unit * beta * unit), patterns=far)
    assert moved.gap <= 1e-6
    assert moved.objective / unit / unit == pytest.approx(cones.objective, rel=1e-6)
    few = slice(0, 5)
    least, same = (
        interpolate(hc.Arrangement.sample(k * X[few], 60), k * y[few]) for k in (1.0, unit)
    )
    assert same.norm == pytest.approx(least.norm, rel=1e-6)
