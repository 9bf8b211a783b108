"""Files of weighted samples: what the checker proves of them, and what it refuses."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hidden_convexity as hc
from hidden_convexity import verify

FREE = {"skip": True, "intercept": True}
CASES = [
    ("squared", 0, {}),
    ("squared", 0, FREE),
    ("squared", 2, {"intercept": True}),
    ("logistic", 0, {"slope": -1.0}),
    ("logistic", 0, FREE),
    ("hinge", 0, {}),
    ("softmax", 3, {}),
]


def solved(loss="squared", outputs=0, d=2, kind=None, patches=0, n=20):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, patches, d) if patches else (n, d))
    y = np.sin(2 * X.reshape(n, -1)[:, 0]) + 0.5 * rng.normal(size=n)
    if loss in ("logistic", "hinge"):
        y = np.sign(y)
    elif loss == "softmax":
        y = np.eye(outputs)[np.digitize(y, [-0.5, 0.5])]
    elif outputs:
        y = np.column_stack([y, rng.normal(size=n)])
    weights, kind = rng.exponential(size=n), kind or {}
    beta = 0.2 * hc.beta_max(X, y, loss, sample_weight=weights, **kind)
    return hc.train(hc.TrainingProblem(X, y, beta, loss, sample_weight=weights, **kind), tol=1e-6)


def changed(path, **arrays):
    content = dict(np.load(path)) | arrays
    np.savez(path, **{name: array for name, array in content.items() if array is not None})


@pytest.mark.parametrize(("loss", "outputs", "kind"), CASES)
@pytest.mark.parametrize("d", [2, 3])
def test_what_is_trained_with_weights_is_proven_by_the_checker(loss, outputs, kind, d, tmp_path):
    solution, path = solved(loss, outputs, d, kind), tmp_path / "file.npz"
    solution.save(path, tol=1e-3)
    assert "weighted samples" in verify.verify(path)
    loaded = hc.load(path)
    assert (loaded.problem.sample_weight == solution.problem.sample_weight).all()
    assert loaded.problem.dual_value(loaded.dual_point) > 0
    assert loaded.objective == solution.objective and loaded.gap <= 1e-3
    again = loaded.problem.objective(loaded.network)
    assert again == pytest.approx(solution.objective, rel=1e-12)
    weights = solution.problem.sample_weight
    # Another claim: the objective, or what the dual point proves, is not the file's any more.
    for other in (0.99 * weights, np.ones(len(weights)), weights[::-1].copy()):
        changed(path, sample_weight=other)
        with pytest.raises(verify.Refused):
            verify.verify(path)


def test_patches_are_weighted_too(tmp_path):
    solution, path = solved("logistic", patches=3), tmp_path / "file.npz"
    solution.save(path)
    assert "weighted samples" in verify.verify(path)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_weights_that_are_none_are_refused(wrong, tmp_path):
    solution, path = solved(), tmp_path / "file.npz"
    solution.save(path)
    weights = solution.problem.sample_weight.copy()
    weights[3] = wrong
    changed(path, sample_weight=weights)
    with pytest.raises(verify.Refused) as refusal:
        verify.verify(path)
    assert refusal.value.name == "sample_weight"


def test_weights_of_another_number_of_samples_are_refused(tmp_path):
    solution, path = solved(), tmp_path / "file.npz"
    solution.save(path)
    changed(path, sample_weight=solution.problem.sample_weight[1:])
    with pytest.raises(verify.Refused) as refusal:
        verify.verify(path)
    assert refusal.value.name == "sample_weight"


def test_older_versions_have_no_weights(tmp_path):
    solution, path = solved(), tmp_path / "file.npz"
    solution.save(path)
    for version in (1, 2):
        changed(path, version=np.array(version))
        with pytest.raises(verify.Refused):
            verify.verify(path)


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_a_dual_variable_above_its_weight_is_refused(loss, tmp_path):
    solution, path = solved(loss), tmp_path / "file.npz"
    solution.save(path)
    nu = np.load(path)["nu"].copy()
    nu[0] = np.nextafter(solution.problem.sample_weight[0], 9.0) * solution.problem.y[0]
    changed(path, nu=nu)
    with pytest.raises(verify.Refused, match="between 0 and the sample's weight"):
        verify.verify(path)


def exact_dual_value(y, nu, loss, w):
    """-F*(-nu) to a hundred digits, a Decimal."""
    with localcontext() as context:
        context.prec = 100
        total = Decimal(0)
        for numbers in zip(y.tolist(), nu.tolist(), w.tolist(), strict=True):
            target, point, weight = map(Decimal, numbers)
            share = point / weight
            if loss == "squared":
                total += point * (target - share / 2)
            elif loss == "hinge":
                total += point * target
            else:
                p = share * target
                total -= weight * sum(q * q.ln() for q in (p, 1 - p) if q > 0)
        return total


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from(["squared", "logistic", "hinge"]),
    st.sampled_from([0, 3, 12]),
)
def test_dual_values_of_weighted_samples_are_below_the_exact_ones(seed, n, loss, spread):
    rng = np.random.default_rng(seed)
    w = rng.exponential(size=n) * 10.0 ** rng.uniform(-spread, spread, n)
    if loss == "squared":
        y = rng.standard_normal(n)
        nu = w * rng.standard_normal(n)
    else:
        y = rng.choice([-1.0, 1.0], n)
        p = rng.uniform(0, 1, n) if seed % 2 else 1 - 10.0 ** rng.uniform(-17, 0, n)
        nu = y * np.minimum(w * p, w)
    exact = exact_dual_value(y, nu, loss, w)
    size = float(w @ (y**2 + (nu / w) ** 2 + 1))
    problem = hc.TrainingProblem(np.ones((n, 1)), y, 1.0, loss, sample_weight=w)
    for value in (verify.dual_value(y, nu, loss, w), problem.dual_value(nu)):
        assert Fraction(value) <= Fraction(exact)
        assert value >= float(exact) - 1e-13 * size


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 4))
def test_the_dual_value_of_weighted_softmax_is_below_that_of_exact_probabilities(seed, n, c):
    """Rows of y - nu / w that do not add up to one are charged by `moved`, and are near one."""
    rng = np.random.default_rng(seed)
    w = rng.exponential(size=n) * 10.0 ** rng.uniform(-6, 6, n)
    p = rng.dirichlet(10.0 ** rng.uniform(-3, 1, c), size=n)
    y = np.eye(c)[rng.integers(0, c, n)]
    nu = np.minimum(w[:, None] * (y - p), w[:, None] * y)
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(0)
        for row, label, factor in zip(nu, y, w, strict=True):
            for v, t in zip(row, label, strict=True):
                q = Decimal(float(t)) - Decimal(float(v)) / Decimal(float(factor))
                exact -= Decimal(float(factor)) * (q * q.ln() if q > 0 else 0)
    value = verify.dual_value(y, nu, "softmax", w)
    assert Fraction(value) <= Fraction(exact)
    assert value >= float(exact) - 1e-12 * float(w.sum())
