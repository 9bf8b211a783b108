"""Certificates of networks with several outputs: ||N'(Xu)_+|| <= beta, by cones."""

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from tampering import refused, tampered

import hidden_convexity as hc
from hidden_convexity import verify

KINDS = [{}, {"slope": 0.2}, {"patches": 3}, {"patches": 2, "slope": -1.0}]


def problem_of(d, loss, outputs=3, patches=None, **kinds):
    rng = np.random.default_rng(d)
    shape = (20, d) if patches is None else (20, patches, d)
    X = rng.integers(-3, 4, size=shape) / 3 if patches else rng.normal(size=shape)
    first = X.reshape(20, -1)
    Y = np.sin(2 * first[:, :1]) + rng.normal(size=(20, outputs))
    Y = np.eye(outputs)[Y.argmax(axis=1)] if loss == "softmax" else Y
    return hc.TrainingProblem(X, Y, 0.3 * hc.beta_max(X, Y, loss, **kinds), loss, **kinds)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_several_outputs_are_saved_proven_and_loaded(kind, d, loss, tmp_path):
    problem, path = problem_of(d, loss, **kind), tmp_path / "file.npz"
    solution = hc.train(problem, tol=1e-4)
    solution.save(path)
    sentence = verify.verify(path)
    assert "Proven, rounding included" in sentence and "with 3 outputs" in sentence
    loaded = hc.load(path)
    assert loaded.problem.y.shape == problem.y.shape and loaded.problem.slope == problem.slope
    assert loaded.problem.objective(loaded.network) == solution.objective
    cost = max(0.1 * (solution.objective - solution.lower_bound), 1e-6 * solution.objective)
    assert 0 <= solution.lower_bound - loaded.lower_bound <= cost + 1e-8 * solution.objective


def test_a_certificate_of_several_outputs_is_saved_checked_and_loaded(tmp_path):
    problem = problem_of(2, "squared", outputs=2)
    certificate = hc.certify(hc.train(problem, tol=1e-2).network, problem)
    certificate.save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")
    assert isinstance(hc.load(tmp_path / "file.npz"), hc.Certificate)


@pytest.mark.parametrize("loss", ["squared", "softmax"])
def test_every_tampering_is_refused_by_name(loss, tmp_path):
    path, problem = tmp_path / "file.npz", problem_of(2, loss)
    hc.train(problem, tol=1e-4).save(path)
    content = dict(np.load(path))
    weights, X, y, nu = (content[name].copy() for name in ("output_weights", "X", "y", "nu"))
    weights[0, 0] += 0.01
    X[0, 0] += 1e-9
    y[0] = 0.5
    off = nu.copy()
    off[0, 0] -= 0.5  # the rows of y - nu are probabilities no longer
    other = np.array("softmax" if loss == "squared" else "logistic")
    for changes, names in [
        ({"output_weights": weights}, ["objective"]),
        ({"objective": 0.999 * content["objective"]}, ["objective"]),
        ({"lower_bound": content["objective"]}, ["lower_bound"]),
        ({"lower_bound": 1.01 * content["lower_bound"]}, ["lower_bound"]),
        ({"nu": 1.001 * nu}, ["nu", "lower_bound"]),
        ({"nu": off}, ["nu", "lower_bound"]),
        ({"nu": nu[:, :1]}, ["nu"]),
        ({"nu": None}, ["nu"]),
        ({"skip": content["skip"] + 1.0}, ["skip", "objective"]),
        ({"X": X}, ["sha256"]),
        ({"y": y}, ["sha256"]),
        ({"y": y, "sha256": verify.digest(content["X"], y)}, ["y", "objective"]),
        ({"splits": content["splits"][:-1]}, ["splits"]),
        ({"basis": content["basis"][:, :1]}, ["basis"]),
        ({"beta": 0.9 * content["beta"]}, ["objective"]),
        ({"loss": other}, ["loss", "y"]),
        ({"network": np.array("one output")}, ["y"]),
        ({"proof": np.array("cases")}, ["proof"]),
        ({"version": np.array(1)}, ["version"]),
        ({"scope": np.array("searched")}, ["scope"]),
    ]:
        assert refused(tampered(path, tmp_path, **changes)) in names, changes
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(path.read_bytes()[:-200])
    assert refused(damaged) == "file"


def test_a_softmax_point_whose_rows_do_not_add_up_is_refused(tmp_path):
    path = tmp_path / "file.npz"
    hc.train(problem_of(2, "softmax"), tol=1e-4).save(path)
    content = dict(np.load(path))
    right = content["y"][0].argmax()
    below, more = np.zeros((2, *content["nu"].shape))
    below[0, right], below[0, right - 1] = -1e-3, 1e-3  # a probability below zero
    more[0, right] = 0.1  # probabilities that add up to 0.9
    for nu in (below, more):
        changes = {"nu": nu, "lower_bound": np.array(0.0)}
        assert refused(tampered(path, tmp_path, **changes)) == "nu"


FREE = [{"intercept": True}, {"skip": True}, {"skip": True, "intercept": True}]


def with_free_terms(loss, free, d=2, patches=None, weighted=False):
    """Three classes that no free terms tell apart, or three targets."""
    rng = np.random.default_rng(d)
    X = rng.normal(size=(30, d) if patches is None else (30, patches, d))
    Y = np.sin(2 * X.reshape(30, -1)[:, :1]) + rng.normal(size=(30, 3))
    Y = np.eye(3)[Y.argmax(axis=1)] if loss == "softmax" else Y
    more = free | ({"sample_weight": rng.exponential(size=30)} if weighted else {})
    return hc.TrainingProblem(X, Y, 0.3 * hc.beta_max(X, Y, loss, **more), loss, **more)


@pytest.fixture(scope="module")
def free_file(tmp_path_factory):
    """A solution of the softmax loss with skip and intercept, and its file."""
    path = tmp_path_factory.mktemp("free") / "file.npz"
    solution = hc.train(with_free_terms("softmax", FREE[2]), tol=1e-5)
    solution.save(path)
    return solution, path


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "softmax"])
@pytest.mark.parametrize("free", FREE, ids=str)
@pytest.mark.parametrize("kind", [{}, {"d": 3}, {"patches": 2}, {"weighted": True}], ids=str)
def test_free_terms_of_several_outputs_are_saved_proven_and_loaded(loss, free, kind, tmp_path):
    """With the softmax loss there was no proof of them: PyTorch's classifier had no file."""
    problem, path = with_free_terms(loss, free, **kind), tmp_path / "file.npz"
    solution = hc.train(problem, tol=1e-4)
    solution.save(path)
    sentence = verify.verify(path)
    assert "Proven, rounding included" in sentence and "without weight decay" in sentence
    assert ("a constant" in sentence) == ("intercept" in free)
    assert ("a linear term" in sentence) == ("skip" in free)
    loaded = hc.load(path)
    assert (loaded.problem.skip, loaded.problem.intercept) == (problem.skip, problem.intercept)
    assert loaded.problem.objective(loaded.network) == solution.objective
    cost = max(0.1 * (solution.objective - solution.lower_bound), 1e-6 * solution.objective)
    assert 0 <= solution.lower_bound - loaded.lower_bound <= cost + 1e-8 * solution.objective


def test_every_tampering_with_free_terms_of_the_softmax_loss_is_refused(free_file, tmp_path):
    path = free_file[1]
    content = dict(np.load(path))
    free, nu, y = content["free"], content["nu"], content["y"]
    p, low = y - nu, {"lower_bound": np.array(0.0)}
    assert "Proven" in verify.verify(tampered(path, tmp_path, **low))
    least = p.min(axis=1)
    swapped, uneven, constant = nu.copy(), nu.copy(), nu.copy()
    # Rows still add up to 0, probabilities stay what they are, and Z'nu = 0 no longer holds.
    swapped[:, 0] -= 0.9 * least
    swapped[:, 1] += 0.9 * least
    # Orthogonal to the columns of X, and not to the constant.
    X = content["X"]
    step = 1 - X @ np.linalg.solve(X.T @ (least[:, None] * X), X.T @ least)
    step *= 0.9 * least / np.abs(step).max()
    constant[:, 0] -= step
    constant[:, 1] += step
    assert np.abs(X.T @ (constant - nu)).max() < 1e-12 and (y - constant > 0).all()
    uneven[0, 0] -= 0.1
    for changes, names in [
        (low | {"nu": swapped}, ["free"]),
        (low | {"nu": constant}, ["free"]),
        (low | {"nu": uneven}, ["nu"]),
        (low | {"nu": y - 1 / 3}, ["free", "nu"]),
        ({"nu": 1.001 * nu}, ["nu", "lower_bound"]),
        ({"lower_bound": 1.01 * content["lower_bound"]}, ["lower_bound"]),
        ({"free": free[:, 1:]}, ["free", "skip"]),
        ({"free": 0 * free}, ["free"]),
        ({"free": 0 * free[:, :0]}, ["skip"]),
        ({"free": None}, ["free"]),
        ({"skip": content["skip"] + [0.1, 0.0, 0.0]}, ["objective"]),
        ({"intercept": content["intercept"] + [0.1, 0.0, 0.0]}, ["objective"]),
        ({"intercept": content["intercept"][:2]}, ["intercept"]),
        ({"loss": np.array("squared")}, ["objective"]),
    ]:
        assert refused(tampered(path, tmp_path, **changes)) in names, changes
    # T need not be right, only regular: another basis of the same columns proves the same.
    turned = free @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert verify.verify(tampered(path, tmp_path, free=turned)) == verify.verify(path)


def test_a_refusal_that_no_tol_mends_does_not_advise_one(free_file, tmp_path):
    """It said to save with a larger tol, which changes nothing about free terms, nor about rank."""
    solution, _ = free_file
    least = (solution.problem.y - solution.dual_point).min(axis=1)
    off = solution.dual_point + 0.9 * least[:, None] * [-1.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="no file can hold this proof") as told:
        replace(solution, dual_point=off).save(tmp_path / "file.npz", tol=0.5)
    assert "larger tol" not in str(told.value) and "larger beta" in str(told.value)
    X, y = np.eye(9), np.eye(9)[:, :2]
    zero = hc.ReLUNetwork(np.zeros((0, 9)), np.zeros((0, 2)))
    problem = hc.TrainingProblem(X, y, 2.0)
    proven = hc.Solution(zero, 1.0, 1.0, "global", [], "exact", problem=problem, dual_point=y)
    with pytest.raises(ValueError, match="outputs up to rank 8, and the data have rank 9"):
        proven.save(tmp_path / "file.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_proof_that_is_too_long_is_told_to_be_looser(monkeypatch, tmp_path):
    """There a larger tol helps, and is advised."""
    solution = hc.train(problem_of(3, "squared"), tol=1e-4)
    monkeypatch.setattr(verify.cover, "MOST_CONES", 10)
    with pytest.raises(ValueError, match=r"is not proven with .* cones\); save with a larger tol"):
        solution.save(tmp_path / "file.npz")


# ---------------------------------------------------------------------- against exact arithmetic


def exact_square(X, N, u):
    """||N'(Xu)_+||^2 and ||u||^2, in rational arithmetic."""
    u = [Fraction(float(t)) for t in u]
    rows = [[Fraction(float(t)) for t in x] for x in X]
    active = [max(sum(s * t for s, t in zip(x, u, strict=True)), 0) for x in rows]
    totals = [
        sum(Fraction(float(w)) * t for w, t in zip(column, active, strict=True)) for column in N.T
    ]
    return sum(t * t for t in totals), sum(t * t for t in u)


@pytest.mark.parametrize("seed", range(12))
def test_cones_bound_several_outputs_in_every_direction_from_above(seed):
    rng = np.random.default_rng(seed)
    d = 2 + seed % 3
    X = rng.integers(-2, 3, size=(7, d)).astype(float)
    X[1], X[2] = -X[0], 2 * X[0]
    if seed % 2:
        X = X @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    N = rng.integers(-3, 4, size=(7, 1 + seed % 4)) / 7
    found = hc.oracle.several_outputs.VectorBranchAndBound(X)(N, tolerance=1e-3)
    enough = found.bound * (1 + 1e-3) + 1e-9
    bound, _ = verify.cones(X, N, np.zeros(2**d, np.uint8), enough)
    assert bound <= enough
    if found.value > 1e-9:
        with pytest.raises(verify.Refused, match=r"not proven|fails in a direction"):
            verify.cones(X, N, np.zeros(2**d, np.uint8), found.value * (1 - 1e-2))
    for u in [*found.directions, *rng.normal(size=(20, d)), *X]:
        square, length = exact_square(X, N, u)
        assert square <= Fraction(bound) ** 2 * length


def test_the_two_objectives_hold_their_exact_values():
    rng = np.random.default_rng(0)
    # Without a penalty to speak of, large weights that cancel show what outputs round.
    for loss, beta, large in product(("squared", "softmax"), (0.1, 1e-40), (0.0, 1e9)):
        X, W, a = rng.normal(size=(6, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        W[1] = W[0] if large else W[1]
        a += [[large], [-large]]
        y = np.eye(3)[rng.integers(3, size=6)]
        file = {"X": X, "y": y, "hidden_weights": W, "output_weights": a, "beta": beta}
        file |= {"skip": np.zeros((3, 3)), "intercept": np.zeros(3), "loss": loss}
        low, high = verify.objective(file)
        with localcontext() as context:
            context.prec = 60
            exact = [[[Decimal(float(t)) for t in row] for row in one] for one in (X, W, a, y)]
            total = sum(t * t for one in exact[1:3] for row in one for t in row) * Decimal(beta) / 2
            rows, neurons, heads, targets = exact
            for x, target in zip(rows, targets, strict=True):
                active = [
                    max(sum(s * t for s, t in zip(x, w, strict=True)), Decimal(0)) for w in neurons
                ]
                f = [
                    sum(v * head[k] for v, head in zip(active, heads, strict=True))
                    for k in range(3)
                ]
                if loss == "squared":
                    total += sum((p - t) ** 2 for p, t in zip(f, target, strict=True)) / 2
                else:
                    total += sum(p.exp() for p in f).ln()
                    total -= sum(p * t for p, t in zip(f, target, strict=True))
        assert Decimal(low) <= total <= Decimal(high)
        assert high <= low * (1 + 1e-11) or large


@pytest.mark.parametrize("seed", range(10))
def test_the_entropy_of_a_softmax_point_is_not_below_what_is_claimed(seed):
    """Of the point near it whose probabilities add up to 1, of which the exact entropy is taken."""
    rng = np.random.default_rng(seed)
    y = np.eye(3)[rng.integers(3, size=8)]
    p = rng.dirichlet(np.full(3, 0.3), size=8)
    nu = y - p
    # Probabilities that add up to more than 1, or to less.
    nu[:, 0] = np.minimum(nu[:, 0] + (seed % 3 - 1) * 1e-9 * rng.random(8), y[:, 0])
    file = verify.complete({"X": np.zeros((8, 2)), "y": y, "nu": nu, "loss": np.array("softmax")})
    file |= {"skip": np.zeros((2, 3)), "intercept": np.zeros(3)}
    way, cost = verify.moved(file)
    claimed = verify.dual_value(y, nu, "softmax") - cost
    with localcontext() as context:
        context.prec = 60
        total = Decimal(0)
        for target, row, allowed in zip(y, nu, way, strict=True):
            exact = [
                Decimal(float(t)) - Decimal(float(v)) for t, v in zip(target, row, strict=True)
            ]
            missing = 1 - sum(exact)
            assert abs(missing) <= Decimal(float(allowed))
            largest = exact.index(max(exact))
            exact[largest] += missing
            total -= sum(q * q.ln() for q in exact if q > 0)
    assert Decimal(claimed) <= total
    assert float(total) - claimed <= 1e-12 + 8 * way.sum()


def test_free_terms_of_several_outputs_are_those_of_each(tmp_path):
    """A point near N that is orthogonal to them column by column: the distances are lengths."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    Z = np.column_stack([X, np.ones(9)])
    nu = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    free = np.linalg.qr(Z)[1]
    file = {"X": X, "y": y, "nu": nu, "loss": np.array("squared"), "free": np.linalg.inv(free)}
    file |= {"skip": np.zeros((2, 2)), "intercept": np.zeros(2)}
    way, cost = verify.moved(verify.complete(file))
    ways, costs = [], []
    for k in range(2):
        one = file | {"y": y[:, k], "nu": nu[:, k], "skip": np.zeros(2), "intercept": np.array(0.0)}
        part, owed = verify.moved(verify.complete(one))
        ways.append(part)
        costs.append(owed)
    assert (way >= np.hypot(*ways)).all() and (way <= 1.1 * np.hypot(*ways)).all()
    assert sum(costs) <= cost <= 1.1 * sum(costs)
    assert 0 < way.max() < 1e-12
    assert verify.moved(verify.complete(file | {"nu": y}))[0].max() > 0.1
