"""Proofs by cases: for few chambers in any rank, where cones are too many or too thin."""

from fractions import Fraction

import numpy as np
import pytest
from tampering import refused, tampered

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.proof import cases


def trained(X, share=0.05, **kinds):
    rng = np.random.default_rng(len(X))
    y = np.sin(2 * X.reshape(len(X), -1)[:, 0]) + 0.3 * rng.normal(size=len(X))
    return hc.train(hc.TrainingProblem(X, y, share * hc.beta_max(X, y, **kinds), **kinds))


def copies(jitter):
    """Six rows in R^4, three times, nearly."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6, 4))
    return np.concatenate([rows + jitter * rng.normal(size=rows.shape) for _ in range(3)])


KINDS = {
    "rank 10": (np.random.default_rng(1).normal(size=(12, 10)), {}),
    "fewer samples than dimensions": (np.random.default_rng(1).normal(size=(5, 30)), {}),
    "rank 5": (np.random.default_rng(2).normal(size=(14, 5)), {}),
    "repeated, opposite and zero rows": (
        np.vstack([copies(0.0)[:8], -2.5 * copies(0.0)[:4], np.zeros((1, 4))]),
        {},
    ),
    "copies": (copies(1e-8), {}),
    "thin copies": (copies(1e-13), {}),
    "a slope": (np.random.default_rng(3).normal(size=(12, 4)), {"slope": -0.5}),
    "patches and a constant": (
        np.random.default_rng(4).normal(size=(6, 2, 4)),
        {"intercept": True, "slope": 0.1},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_few_chambers_are_proven_by_cases_in_any_rank(kind, tmp_path):
    X, kinds = KINDS[kind]
    solution = trained(X, **kinds)
    solution.save(tmp_path / "file.npz")
    content = np.load(tmp_path / "file.npz")
    assert str(content["proof"]) == "cases" and int(content["version"]) == 3
    assert "Proven, rounding included" in verify.verify(tmp_path / "file.npz")
    loaded = hc.load(tmp_path / "file.npz")
    assert 0 <= solution.lower_bound - loaded.lower_bound <= 2e-6 * solution.objective
    assert loaded.problem.objective(loaded.network) == solution.objective


@pytest.mark.slow
def test_near_copies_with_little_weight_decay_are_proven(tmp_path):
    """Between copies cones are as thin as the copies are close, and cases are not."""
    trained(copies(1e-6), share=1e-3).save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")


def test_a_bound_one_per_cent_too_high_is_noticed():
    X = KINDS["rank 10"][0]
    solution = trained(X)
    with pytest.raises(verify.Refused, match="fails in a chamber"):
        cases.cases(X, 1.01 * solution.dual_point, solution.problem.beta)


def test_every_tampering_is_refused_by_name(tmp_path):
    path = tmp_path / "file.npz"
    trained(KINDS["rank 5"][0], share=0.01).save(path)
    content = dict(np.load(path))
    codes, at, rows, values, lines = (
        content[name] for name in ("codes", "cases", "rows", "multipliers", "lines")
    )
    last = len(set(lines.tolist())) + 1
    assert (codes == last).any() and (codes == 0).any() and 1 < codes[0] < last
    bounded_at_once = np.where(np.arange(len(codes)) == 0, 0, codes).astype(np.uint32)
    one = np.flatnonzero(codes == 0)[-1]
    claimed_empty = codes.copy()
    claimed_empty[one] = last
    outside, beyond, moved = codes.copy(), rows.copy(), lines.copy()
    outside[0], beyond[0], moved[1] = last + 1, last, 0
    strange = values.copy()
    strange[0] = np.nan
    for changes, names in [
        ({"codes": codes[:-1]}, ["codes"]),
        ({"codes": np.append(codes, codes[-1])}, ["codes"]),
        ({"codes": bounded_at_once}, ["codes", "nu", "rows"]),
        ({"codes": outside}, ["codes"]),
        ({"codes": claimed_empty}, ["multipliers"]),
        ({"codes": codes.astype(float)}, ["codes"]),
        ({"codes": None}, ["codes"]),
        ({"rows": beyond}, ["rows"]),
        ({"rows": rows[:-1]}, ["cases"]),
        ({"cases": at[::-1].copy()}, ["cases"]),
        ({"cases": at + 2 * len(codes)}, ["codes", "nu", "multipliers"]),
        ({"multipliers": 0 * values}, ["nu", "multipliers"]),
        ({"multipliers": 1.01 * values}, ["nu", "multipliers"]),
        ({"multipliers": -values}, ["nu", "multipliers"]),
        ({"multipliers": strange}, ["multipliers"]),
        ({"multipliers": values[:0], "rows": rows[:0], "cases": at[:0]}, ["nu", "multipliers"]),
        ({"lines": moved}, ["nu", "rows", "codes", "multipliers"]),
        ({"lines": lines[:-1]}, ["lines"]),
        ({"lines": lines + np.uint32(1)}, ["lines"]),
        ({"nu": 1.01 * content["nu"]}, ["nu", "multipliers"]),
        ({"lower_bound": content["objective"]}, ["lower_bound"]),
        ({"hidden_weights": 1.001 * content["hidden_weights"]}, ["objective"]),
        ({"proof": np.array("cones")}, ["basis"]),
        ({"proof": np.array("faith")}, ["proof"]),
        ({"network": np.array("several outputs")}, ["proof"]),
        ({"free": None}, ["free"]),
        ({"sha256": np.array("0" * 64)}, ["sha256"]),
        ({"scope": np.array("searched")}, ["scope"]),
    ]:
        assert refused(tampered(path, tmp_path, **changes)) in names, changes
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(path.read_bytes()[:-100])
    assert refused(damaged) == "file"


# ---------------------------------------------------------------------- against exact arithmetic


def exact_sum(Z, weights, drift, u):
    """sum w_j (z_j.u)_+ + m_j z_j.u and ||u||^2, in rational arithmetic."""
    u = [Fraction(float(t)) for t in u]
    total = Fraction(0)
    for row, w, m in zip(Z, weights, drift, strict=True):
        t = sum(Fraction(float(s)) * x for s, x in zip(row, u, strict=True))
        total += Fraction(float(w)) * max(t, 0) + Fraction(float(m)) * t
    return total, sum(t * t for t in u)


@pytest.mark.proves("checker")
@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_multipliers_no_direction_of_a_case_is_above_its_bound(seed):
    rng = np.random.default_rng(seed)
    Z = rng.integers(-2, 3, size=(6, 3)) * (1.0 if seed % 2 else 0.1)
    weights, drift = rng.normal(size=(2, 6))
    u = rng.integers(-3, 4, size=3).astype(float)
    if not u.any():
        u[0] = 1.0
    sides = [np.sign(exact_sum(Z[k : k + 1], [0.0], [1.0], u)[0]) for k in range(6)]
    # A row on which u lies may have either sign.
    signs = np.array([int(side) or rng.choice([-1, 1]) for side in sides], dtype=np.int8)
    signs[rng.random(6) < 0.5] = 0
    for mu in (verify.usual(signs[None], weights), rng.normal(size=(1, 6)), np.zeros((1, 6))):
        bound = verify.bounds(Z, signs[None], weights, drift, mu)[0]
        total, square = exact_sum(Z, weights, drift, u)
        assert total <= 0 or total**2 <= Fraction(float(bound)) ** 2 * square


@pytest.mark.parametrize("seed", range(20))
def test_a_case_with_a_direction_is_never_called_empty(seed):
    rng = np.random.default_rng(seed)
    Z = rng.integers(-2, 3, size=(8, 3)).astype(float)
    Z[4:] = Z[:4] + 1e-9 * rng.normal(size=(4, 3))  # thin cases
    u = rng.integers(-3, 4, size=3).astype(float)
    if not u.any():
        u[0] = 1.0
    exact = [exact_sum(Z[k : k + 1], [0.0], [1.0], u)[0] for k in range(8)]
    signs = np.array([int(np.sign(t)) or rng.choice([-1, 1]) for t in exact], dtype=np.int8)
    for size in (1e-12, 1.0, 1e12):
        shares = size * rng.exponential(size=(50, 8)) ** 4
        cases_ = np.repeat(signs[None], 50, axis=0)
        assert not verify.nothing_but_zero(Z, cases_, shares).any()
    # With shares of both signs a sum of rows that span the space can always be made to vanish.
    *_, dependence = np.linalg.svd((signs[:, None] * Z).T)
    for shares in dependence[-4:]:
        assert not verify.nothing_but_zero(Z, signs[None], shares[None]).any()


@pytest.mark.parametrize("seed", range(12))
def test_cases_bound_every_direction_from_above_and_closely(seed):
    rng = np.random.default_rng(seed)
    d = 2 + seed % 4
    X = rng.integers(-2, 3, size=(7, d)).astype(float)
    X[1], X[2], X[3] = -X[0], 2 * X[0], X[0] / 3
    if seed % 2:
        X = X @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    nu = rng.integers(-3, 4, size=7) / 7
    best = hc.oracle.BranchAndBound(X)(nu, tolerance=1e-9)
    proof = cases.cases(X, nu, best.bound * (1 + 1e-6) + 1e-9)
    bound = verify.cases(X, nu, proof)
    assert bound <= best.bound * (1 + 1e-6) + 1e-9
    directions = [*best.directions, *rng.normal(size=(20, d)), *X, *rng.integers(-2, 3, (5, d))]
    for u in directions:
        total, square = exact_sum(X, nu, 0 * nu, u)
        assert total**2 <= Fraction(float(bound)) ** 2 * square
    if best.value > 1e-9:
        with pytest.raises(verify.Refused, match="fails in a chamber"):
            cases.cases(X, nu, best.value * (1 - 1e-3))


@pytest.mark.parametrize("seed", range(8))
def test_rows_that_stand_for_others_are_charged_for_what_is_left(seed):
    """Any row may stand for any other: the bound is worse, never wrong."""
    rng = np.random.default_rng(seed)
    S, c = rng.normal(size=(6, 3)), rng.normal(size=6)
    S[3:] = rng.choice([-2.0, 0.5, 1.0], size=(3, 1)) * S[:3] + 1e-3 * rng.normal(size=(3, 3))
    lines = np.array([0, 1, 2, 0, 1, rng.integers(3)], dtype=np.uint32)
    Z, weights, drift, owed = verify.merged(S, c, lines)
    for u in rng.normal(size=(30, 3)):
        total, square = exact_sum(S, c, 0 * c, u)
        other, _ = exact_sum(Z, weights, drift, u)
        assert (total - other) ** 2 <= Fraction(owed) ** 2 * square


def test_rows_whose_squares_underflow_are_still_charged():
    """Their norms were once taken to be zero, so coordinates could leave them out."""
    X, nu = np.diag([1e-200, 1.0, 1.0]), np.array([1e150, 0.0, 0.0])
    file = verify.complete({"X": X, "nu": nu})
    file |= {"basis": np.eye(3)[:, 1:], "splits": np.zeros(0, dtype=np.uint8)}
    with pytest.raises(verify.Refused, match="not proven"):
        verify.height(file, 1e-60, np.zeros(3))


def test_weights_whose_squares_underflow_still_cost_something():
    file = {"X": np.zeros((1, 2)), "y": np.zeros(1), "loss": np.array("squared"), "beta": 1e300}
    file |= {"hidden_weights": np.full((1, 2), 1e-170), "output_weights": np.zeros(1)}
    _, high = verify.objective(file)
    assert Fraction(high) >= Fraction(1e300) * Fraction(1e-170) ** 2
