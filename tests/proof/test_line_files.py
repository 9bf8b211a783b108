"""Certificates of networks of one variable: splines and mirrors, checked in integers."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from tampering import refused, tampered

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.verify import line

KINDS = {
    "splines": lambda x, y, beta: hc.splines.train(x, y, beta),
    "two layers": lambda x, y, beta: hc.mirrors.train(x, y, beta, layers=2),
    "three layers": lambda x, y, beta: hc.mirrors.train(x, y, beta, layers=3),
    "four layers": lambda x, y, beta: hc.mirrors.train(x, y, beta, layers=4),
}
FAMILIES = [("relu", 2), ("absolute", 2), ("absolute", 3), ("absolute", 4)]


def data(n, seed=0):
    """Inputs in no order, some repeated."""
    rng = np.random.default_rng(seed)
    x = np.append(rng.uniform(-3, 7, n - 1), 1.0)
    x[0] = x[-1]
    return x, np.sin(x) + 0.1 * rng.normal(size=n) + 5.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.003])
def test_splines_and_mirrors_are_saved_proven_and_loaded(kind, share, tmp_path):
    x, y = data(9)
    solution = KINDS[kind](x, y, share * hc.mirrors.beta_max(x, y))
    solution.save(tmp_path / "file.npz")
    sentence = verify.verify(tmp_path / "file.npz")
    assert "Proven, rounding included" in sentence and "any number of branches" in sentence
    loaded = hc.load(tmp_path / "file.npz")
    assert isinstance(loaded, hc.Solution) and isinstance(loaded.network, hc.ParallelNetwork)
    for name in ("weights", "biases", "amplitudes"):
        assert np.array_equal(getattr(loaded.network, name), getattr(solution.network, name))
    assert (loaded.objective, loaded.history) == (solution.objective, solution.history)
    assert loaded.problem.objective(loaded.network) == solution.objective
    assert 0 <= solution.lower_bound - loaded.lower_bound <= 1e-9 * solution.objective
    solution.save(tmp_path / "hash.npz", data=False)
    assert refused(tmp_path / "hash.npz") == "data"
    assert verify.verify(tmp_path / "hash.npz", (x, y)) == sentence


@pytest.mark.parametrize("x", [[2.0], [1.0, 1.0], [0.0, 1.0, 2.0, 3.0], [1e6, 1e6 + 1, 1e6 + 3]])
@pytest.mark.parametrize("kind", KINDS)
def test_few_tied_and_distant_points_are_proven_too(kind, x, tmp_path):
    y = np.arange(len(x)) ** 2.0
    solution = KINDS[kind](x, y, 0.1)
    solution.save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")


def test_every_tampering_is_refused_by_name(tmp_path):
    x, y = data(12)
    for kind in ("splines", "three layers"):
        solution = KINDS[kind](x, y, 0.05 * hc.mirrors.beta_max(x, y))
        path = tmp_path / "file.npz"
        solution.save(path)
        content = dict(np.load(path))
        amplitudes, biases, X, nu = (
            content[name].copy() for name in ("amplitudes", "biases", "X", "nu")
        )
        amplitudes[0] *= 1.001
        biases[0] += 0.01
        X[1] += 1e-9
        for changes, names in [
            ({"amplitudes": amplitudes}, ["objective"]),
            ({"biases": biases}, ["objective"]),
            ({"constant": content["constant"] + 0.1}, ["objective"]),
            ({"objective": 0.999 * content["objective"]}, ["objective"]),
            ({"lower_bound": content["objective"]}, ["lower_bound"]),
            ({"lower_bound": 1.01 * content["lower_bound"]}, ["lower_bound"]),
            ({"nu": 1.001 * nu}, ["nu"]),
            ({"nu": nu + 0.1}, ["lower_bound"]),
            ({"nu": nu[:-1]}, ["nu"]),
            ({"nu": None}, ["nu"]),
            ({"X": X}, ["sha256"]),
            ({"beta": 0.9 * content["beta"]}, ["objective"]),
            ({"activation": np.array("sign")}, ["activation"]),
            ({"weights": content["weights"][:, :0], "biases": biases[:, :0]}, ["weights"]),
            ({"weights": content["weights"][1:]}, ["biases"]),
            ({"network": np.array("one output")}, ["proof"]),
            ({"proof": np.array("cones")}, ["proof"]),
            ({"version": np.array(1)}, ["version"]),
            ({"loss": np.array("logistic")}, ["loss"]),
            ({"scope": np.array("searched")}, ["scope"]),
        ]:
            assert refused(tampered(path, tmp_path, **changes)) in names, (kind, changes)
        other = "absolute" if kind == "splines" else "relu"
        named = refused(tampered(path, tmp_path, activation=np.array(other)))
        assert named == ("objective" if kind == "splines" else "activation")
        damaged = tmp_path / "damaged.npz"
        damaged.write_bytes(path.read_bytes()[:-200])
        assert refused(damaged) == "file"


def test_a_network_with_fewer_layers_than_its_claim_is_another_claim(tmp_path):
    """The dual constraint of three layers is a stronger one than that of two."""
    x, y = data(12)
    beta = 0.05 * hc.mirrors.beta_max(x, y)
    KINDS["two layers"](x, y, beta).save(tmp_path / "file.npz")
    content = dict(np.load(tmp_path / "file.npz"))
    deep = KINDS["three layers"](x, y, beta).network
    claimed = {name: getattr(deep, name) for name in ("weights", "biases", "amplitudes")}
    changes = claimed | {"constant": np.array(deep.constant)}
    changes |= {"objective": np.array(deep.objective(x, y, beta))}
    changes["lower_bound"] = np.minimum(content["lower_bound"], changes["objective"])
    assert refused(tampered(tmp_path / "file.npz", tmp_path, **changes)) == "nu"


def test_a_dual_point_one_per_cent_too_long_is_noticed(tmp_path):
    """The mutation: a solver that believes the largest correlation lower than it is."""
    x, y = data(12)
    for kind in ("splines", "three layers", "four layers"):
        solution = KINDS[kind](x[:6], y[:6], 0.05 * hc.mirrors.beta_max(x[:6], y[:6]))
        nu = 1.01 * solution.dual_point
        value = verify.dual_value(y[:6], nu, "squared")
        known = {"objective": 1.02 * solution.objective, "dual_point": nu}
        wrong = replace(solution, lower_bound=min(value, 1.01 * solution.objective), **known)
        with pytest.raises(ValueError, match="checker proves"):
            wrong.save(tmp_path / "file.npz")


# ---------------------------------------------------------------------- against exact arithmetic


def exact_correlation(x, nu, shifts, activation, sign=1):
    """|nu.g| for nu minus its mean, in rational arithmetic."""
    x, nu = [sign * Fraction(float(t)) for t in x], [Fraction(float(t)) for t in nu]
    mean = sum(nu) / len(nu)
    total = Fraction(0)
    for one, weight in zip(x, nu, strict=True):
        for shift in shifts:
            one = one - shift
            one = max(one, 0) if activation == "relu" else abs(one)
        total += (weight - mean) * one
    return abs(total)


def places(x):
    """Samples, midpoints, and what lies between and beyond."""
    x = sorted({Fraction(float(t)) for t in x})
    between = [(a + b) / 2 for a in x for b in x]
    return sorted({*between, *((2 * a + b) / 3 for a in x for b in x), x[0] - 1, x[-1] + 1})


@pytest.mark.proves("mirrors")
@pytest.mark.parametrize(("activation", "layers"), FAMILIES)
@pytest.mark.parametrize("seed", range(6))
def test_no_branch_exceeds_the_bound_in_exact_arithmetic(activation, layers, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, size=5) * (1.0 if seed % 2 else 0.1) + (1e5 if seed == 5 else 0.0)
    nu = rng.integers(-3, 4, size=5) / (1.0 if seed % 3 else 7.0)
    bound = line.branches(x, nu, layers, activation)
    inner = places(x)
    lengths = sorted({abs(a - b) for a in inner for b in inner})[: 30 if layers < 4 else 8]
    largest = Fraction(0)
    for shifts in product(inner, *[lengths] * (layers - 2)):
        for sign in (1, -1) if activation == "relu" else (1,):
            at = [sign * shifts[0], *shifts[1:]]
            largest = max(largest, exact_correlation(x, nu, at, activation, sign))
    assert largest <= bound
    if layers < 4:
        leeway = 1e-12 * np.abs(nu).sum() * np.abs(x).max()
        assert bound <= float(largest) * (1 + 1e-12) + leeway + 1e-290


@pytest.mark.parametrize(("activation", "layers"), FAMILIES[1:])
@pytest.mark.parametrize("seed", range(10))
def test_no_kind_of_branch_is_left_out(activation, layers, seed):
    """A dual point along one branch, a V or a W of either kind, is largest at this branch."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 10, 5))
    i, j = sorted(rng.choice(5, size=2, replace=False))
    vees = [(x[i], 0.0), (x[i], x[j] - x[i]), ((x[i] + x[j]) / 2, (x[j] - x[i]) / 2)]
    for start in vees[: 1 if layers == 2 else 3]:
        shifts = [*start[: layers - 1], *[0.0] * (layers - 3)]
        nu = np.ravel(hc.mirrors.branch(x, [shifts]))
        exact = exact_correlation(x, nu, [Fraction(t) for t in shifts], activation)
        assert exact <= line.branches(x, nu, layers, activation)


@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_that_of_the_listed_dictionary(layers, seed):
    rng = np.random.default_rng(seed)
    x, nu = rng.uniform(0, 10, 4), rng.normal(size=4)
    features, _ = hc.mirrors.dictionary(x, layers)
    largest = np.abs((nu - nu.mean()) @ features).max()
    assert line.branches(x, nu, layers, "absolute") == pytest.approx(largest, rel=1e-8)


def test_each_kind_of_w_is_the_largest_somewhere_and_never_above_the_bound():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 10, 5))
    i, j = np.triu_indices(5, 1)
    reflected = np.array([(a, abs(b - a)) for a in x for b in x])
    halfway = np.column_stack([(x[i] + x[j]) / 2, (x[j] - x[i]) / 2])
    nus = rng.normal(size=(2000, 5))
    centred = nus - nus.mean(axis=1, keepdims=True)
    kinds = [np.abs(centred @ hc.mirrors.branch(x, one)) for one in (reflected, halfway)]
    for one, shifts, other in zip(kinds, (reflected, halfway), kinds[::-1], strict=True):
        k = (one.max(axis=1) / other.max(axis=1)).argmax()
        assert one[k].max() > 1.01 * other[k].max()
        where = [Fraction(t) for t in shifts[one[k].argmax()]]
        exact = exact_correlation(x, nus[k], where, "absolute")
        assert exact <= line.branches(x, nus[k], 3, "absolute")


def test_a_dual_point_that_is_not_centred_loses_what_its_mean_is_worth():
    rng = np.random.default_rng(0)
    for _ in range(20):
        nu, y = rng.normal(size=(2, 7))
        points, targets = ([Fraction(float(t)) for t in one] for one in (nu, y))
        mean = sum(points) / 7
        centred = [one - mean for one in points]
        value = sum(a * (b - a / 2) for a, b in zip(centred, targets, strict=True))
        assert verify.dual_value(y, nu, "squared") - line.lacking(y, nu) <= value
        nearly = nu - nu.mean()
        assert line.lacking(y, nearly) <= 1e-14


@pytest.mark.parametrize(("activation", "layers"), FAMILIES)
def test_the_objective_holds_its_exact_value(activation, layers):
    rng = np.random.default_rng(layers)
    x, y, beta = rng.integers(-4, 5, size=6) / 8, rng.normal(size=6), 0.1
    W, B = rng.normal(size=(2, 3, layers - 1))
    a, c = rng.normal(size=3), 0.3
    stored = {"X": x, "y": y, "weights": W, "biases": B, "amplitudes": a, "constant": c}
    words = {"activation": activation, "network": "one variable", "beta": beta}
    low, high = verify.objective(stored | words)
    total = Fraction(0)
    for one, target in zip(x, y, strict=True):
        output = Fraction(c)
        for weights, biases, amplitude in zip(W, B, a, strict=True):
            value = Fraction(float(one))
            for w, b in zip(weights, biases, strict=True):
                value = Fraction(float(w)) * value + Fraction(float(b))
                value = max(value, 0) if activation == "relu" else abs(value)
            output += Fraction(float(amplitude)) * value
        total += (output - Fraction(float(target))) ** 2 / 2
    powers = sum(abs(Fraction(float(w))) ** layers for w in [*W.ravel(), *a])
    total += Fraction(beta) / layers * powers
    assert low <= total <= high <= low * (1 + 1e-12)


def test_too_many_branches_to_list_are_refused():
    with pytest.raises(verify.Refused, match="too many to list"):
        line.branches(np.arange(200.0), np.ones(200), 4, "absolute")
