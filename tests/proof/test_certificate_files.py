"""A certificate is a file that somebody else can check, and that nobody can bend."""

import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tampering import refused, tampered

import hidden_convexity as hc
from hidden_convexity import verify
from hidden_convexity.companion import manifest

VERIFY = Path(verify.__file__).parent


def problem_of(n, d, loss="squared", share=0.1):
    rng = np.random.default_rng(n + d)
    X = rng.normal(size=(n, d))
    y = np.sin(2 * X[:, 0]) * X[:, 1] + 0.1 * rng.normal(size=n)
    if loss == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
    return hc.TrainingProblem(X, y, share * hc.beta_max(X, y), loss)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One saved solution in the plane and one in space, with their paths."""
    folder, found = tmp_path_factory.mktemp("certificates"), {}
    for d in (2, 3):
        solution = hc.train(problem_of(40, d))
        solution.save(folder / f"{d}.npz")
        found[d] = solution, folder / f"{d}.npz"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 3), (20, 1), (20, 2), (3, 5), (40, 3), (25, 4)])
def test_what_is_trained_is_proven_by_the_checker(n, d, loss, tmp_path):
    rng = np.random.default_rng(n + d)
    X, y = rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], size=n)
    problem = hc.TrainingProblem(X, y, 0.2 * hc.beta_max(X, y), loss)
    solution = hc.train(problem, tol=1e-5)
    solution.save(tmp_path / "file.npz")
    assert "Proven, rounding included" in verify.verify(tmp_path / "file.npz")
    loaded = hc.load(tmp_path / "file.npz")
    # A tenth of the gap, or 1e-6, is what the proof may cost.
    cost = max(0.1 * (solution.objective - solution.lower_bound), 1e-6 * solution.objective)
    cost += 2e-9 * solution.objective
    assert 0 <= solution.lower_bound - loaded.lower_bound <= cost


POOLED = [
    {"slope": 0.2},
    {"slope": -1.0, "patches": 4},
    {"patches": 4},
    {"skip": True},
    {"patches": 3, "skip": True, "intercept": True, "slope": -0.5},
    {"intercept": True, "slope": 0.1},
]


def pooled_problem(d, loss, patches=None, **kinds):
    rng = np.random.default_rng(d)
    shape = (25, d) if patches is None else (25, patches, d)
    X = rng.integers(-3, 4, size=shape) / 3 if patches else rng.normal(size=shape)
    y = np.sin(2 * X.reshape(25, -1)[:, 0]) + 0.1 * rng.normal(size=25)
    y = np.sign(y) if loss == "logistic" else y
    beta = 0.2 * hc.beta_max(X, y, loss, **kinds)
    return hc.TrainingProblem(X, y, beta, loss, **kinds)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("kind", POOLED, ids=str)
def test_networks_with_slopes_patches_and_free_terms_are_proven_too(kind, d, loss, tmp_path):
    """And bending the weights, the slope or the free columns is refused by name."""
    problem, path = pooled_problem(d, loss, **kind), tmp_path / "file.npz"
    solution = hc.train(problem, tol=1e-5)
    solution.save(path)
    sentence = verify.verify(path)
    assert "Proven, rounding included" in sentence
    assert ("constant" in sentence) == ("intercept" in kind)
    assert ("linear term" in sentence) == ("skip" in kind)
    assert ("patches" in sentence) == ("patches" in kind)
    loaded = hc.load(path)
    assert (loaded.problem.slope, loaded.problem.skip) == (problem.slope, problem.skip)
    assert loaded.problem.objective(loaded.network) == solution.objective
    assert loaded.lower_bound <= solution.lower_bound <= loaded.lower_bound * (1 + 1e-5)
    slope, free, nu = (np.load(path)[name] for name in ("slope", "free", "nu"))
    assert refused(tampered(path, tmp_path, slope=slope - 0.5)) in ("objective", "nu")
    assert refused(tampered(path, tmp_path, free=None)) == "version"
    assert refused(tampered(path, tmp_path, version=np.array(1))) == "version"
    more = np.eye(len(free))
    if free.shape[1] < len(free):  # b is free in columns to which nu is not orthogonal
        assert refused(tampered(path, tmp_path, free=more)) in ("free", "lower_bound", "nu")
    if free.shape[1]:
        assert refused(tampered(path, tmp_path, free=free[:, 1:])) in ("free", "skip")
        assert refused(tampered(path, tmp_path, free=0 * free[:, :0])) in ("skip", "intercept")
        off = nu.copy()
        off[np.abs(nu) == np.abs(nu).min()] *= 0.99
        assert refused(tampered(path, tmp_path, nu=off)) in ("free", "nu", "lower_bound")


def test_columns_left_out_of_a_linear_term_are_named(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    X = np.column_stack([X, X[:, 0]])
    problem = hc.TrainingProblem(X, np.sin(3 * X[:, 0]), 0.1, skip=True)
    solution = hc.train(problem)
    solution.save(tmp_path / "file.npz")
    assert "a linear term in columns " in verify.verify(tmp_path / "file.npz")
    network = solution.network.with_free_terms(np.ones(3), None)
    with pytest.raises(ValueError, match="depend on others"):
        hc.certify(network, problem).save(tmp_path / "other.npz")


def test_load_gives_back_what_was_saved(files, tmp_path):
    solution, path = files[3]
    loaded = hc.load(path)
    assert isinstance(loaded, hc.Solution)
    for name in ("X", "y", "beta", "loss"):
        assert np.array_equal(getattr(loaded.problem, name), getattr(solution.problem, name))
    for name in ("hidden_weights", "output_weights"):
        assert np.array_equal(getattr(loaded.network, name), getattr(solution.network, name))
    for name in ("objective", "scope", "solver", "interrupted", "history"):
        assert getattr(loaded, name) == getattr(solution, name)
    assert loaded.problem.dual_value(loaded.dual_point) == pytest.approx(loaded.lower_bound)


def test_a_certificate_is_saved_checked_and_loaded(tmp_path):
    problem = problem_of(30, 3)
    network = hc.train(problem, tol=1e-2).network
    certificate = hc.certify(network, problem)
    certificate.save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")
    loaded = hc.load(tmp_path / "file.npz")
    assert isinstance(loaded, hc.Certificate)
    assert np.array_equal(loaded.direction, certificate.direction)
    assert loaded.objective == certificate.objective
    assert loaded.lower_bound <= certificate.lower_bound


@pytest.mark.parametrize("how", ["searched", "sampled"])
def test_what_is_not_global_is_saved_and_never_called_proven(how, tmp_path):
    problem = problem_of(30, 3)
    arguments = {"proof": False} if how == "searched" else {"patterns": 5}
    solution = hc.train(problem, tol=1e-3, **arguments)
    solution.save(tmp_path / "file.npz")
    loaded = hc.load(tmp_path / "file.npz")
    assert (loaded.scope, loaded.lower_bound) == (how, solution.lower_bound)
    assert refused(tmp_path / "file.npz") == "scope"


def test_several_outputs_are_saved_as_sampled(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 3))
    solution = hc.train(hc.TrainingProblem(X, X[:, :2], 1.0), patterns=5, tol=1e-2)
    solution.save(tmp_path / "file.npz")
    assert hc.load(tmp_path / "file.npz").network.output_weights.shape[1] == 2
    assert refused(tmp_path / "file.npz") == "scope"


def test_every_tampering_is_refused_by_name(files, tmp_path):
    for solution, path in files.values():
        with np.load(path) as archive:
            content = dict(archive)
        weights, X, y, nu = (content[k].copy() for k in ("output_weights", "X", "y", "nu"))
        weights[0] *= 1.001
        X[0, 0] += 1e-9
        y[0] = -y[0]
        blank = content["hidden_weights"].copy()
        blank[0, 0] = np.nan
        objective = content["objective"]
        for changes, name in [
            ({"output_weights": weights}, "objective"),
            ({"objective": 0.999 * objective}, "objective"),
            ({"lower_bound": objective}, "lower_bound"),
            ({"lower_bound": 1.01 * content["lower_bound"]}, "lower_bound"),
            ({"nu": nu[::-1].copy()}, "lower_bound"),
            ({"nu": 1.01 * nu}, "nu"),
            ({"nu": nu[:-1]}, "nu"),
            ({"nu": None}, "nu"),
            ({"X": X}, "sha256"),
            ({"y": y}, "sha256"),
            ({"sha256": np.array("0" * 64)}, "sha256"),
            ({"hidden_weights": blank}, "hidden_weights"),
            ({"beta": np.array(-1.0)}, "beta"),
            ({"beta": 0.9 * solution.problem.beta}, "objective"),
            ({"basis": content["basis"][:, :1]}, "basis"),
            ({"version": np.array(2)}, "version"),
            ({"version": None}, "version"),
            ({"X": content["X"].astype(str)}, "data"),
            ({"loss": np.array("absolute")}, "loss"),
            ({"loss": np.array("hinge")}, "y"),
            ({"loss": np.array("logistic")}, "y"),
            ({"scope": np.array("searched")}, "scope"),
            ({"splits": content["splits"].astype(float)}, "splits"),
        ]:
            assert refused(tampered(path, tmp_path, **changes)) == name, changes


def test_coordinates_that_leave_data_out_are_charged(files, tmp_path):
    _, path = files[3]
    basis = np.load(path)["basis"].copy()
    basis[:, 0] = 0.0
    assert refused(tampered(path, tmp_path, basis=basis)) == "nu"


def test_a_cone_left_out_is_refused(files, tmp_path):
    _, path = files[3]
    splits = np.load(path)["splits"]
    assert refused(tampered(path, tmp_path, splits=splits[:-1])) == "splits"
    assert refused(tampered(path, tmp_path, splits=splits[:0])) == "splits"
    worse = splits.copy()
    worse[0] = 200
    assert refused(tampered(path, tmp_path, splits=worse)) == "splits"


def test_a_damaged_file_is_refused_with_a_sentence(files, tmp_path):
    content = files[2][1].read_bytes()
    damaged = tmp_path / "damaged.npz"
    for length in (0, 10, len(content) // 2, len(content) - 1):
        damaged.write_bytes(content[:length])
        assert refused(damaged) == "file"
        with pytest.raises(ValueError, match="file: it cannot be read"):
            hc.load(damaged)
    assert refused(tmp_path / "nothing.npz") == "file"


def test_any_damaged_byte_is_refused_or_changes_nothing(files, tmp_path):
    rng, content = np.random.default_rng(0), files[2][1].read_bytes()
    sentence, damaged = verify.verify(files[2][1]), tmp_path / "damaged.npz"
    for place in rng.integers(len(content), size=60):
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        damaged.write_bytes(bytes(changed))
        try:
            assert verify.verify(damaged) == sentence
        except verify.Refused:
            pass


def test_a_file_of_a_hash_needs_the_data(tmp_path):
    problem = problem_of(20, 2)
    hc.train(problem).save(tmp_path / "file.npz", data=False)
    assert {"X", "y"}.isdisjoint(np.load(tmp_path / "file.npz").files)
    assert refused(tmp_path / "file.npz") == "data"
    with pytest.raises(verify.Refused, match="sha256"):
        verify.verify(tmp_path / "file.npz", (problem.X + 1, problem.y))
    assert "Proven" in verify.verify(tmp_path / "file.npz", (problem.X, problem.y))
    assert hc.load(tmp_path / "file.npz", (problem.X, problem.y)).scope == "global"


def test_the_file_may_have_a_looser_gap_but_no_tighter_one(files, tmp_path):
    solution, path = files[3]
    solution.save(tmp_path / "loose.npz", tol=1e-3)
    loose = hc.load(tmp_path / "loose.npz")
    assert hc.load(path).gap < loose.gap <= 1e-3
    assert len(np.load(tmp_path / "loose.npz")["splits"]) < len(np.load(path)["splits"])
    with pytest.raises(ValueError, match="tol must be above the gap"):
        solution.save(tmp_path / "tight.npz", tol=solution.gap / 2)
    assert not (tmp_path / "tight.npz").exists()


def test_what_was_trained_for_is_needed(files, tmp_path):
    with pytest.raises(ValueError, match="got ReLUNetwork without its problem"):
        replace(files[2][0], problem=None).save(tmp_path / "file.npz")


@pytest.mark.slow
def test_numbers_beyond_the_range_of_floats_are_refused_without_a_traceback(files, tmp_path):
    """A NaN among the bounds of cones once counted as a cone that is done."""
    for _, path in files.values():
        for name in ("nu", "output_weights", "hidden_weights", "basis"):
            huge = tampered(path, tmp_path, **{name: np.load(path)[name] * 1e300})
            done = run(str(VERIFY), str(huge))
            assert done.returncode == 1 and "REFUSED" in done.stderr
            assert "Traceback" not in done.stderr
    with np.errstate(all="ignore"), pytest.raises(ValueError):
        verify.cones(np.full((3, 3), 1e200), np.full(3, 1e200), np.zeros(8, np.uint8), 1.0)


def test_nothing_to_learn_is_proven_too(tmp_path):
    problem = hc.TrainingProblem(np.zeros((3, 3)), [1.0, -1.0, 2.0], 1.0)
    hc.train(problem).save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")


def test_nothing_to_fit_is_proven_to_any_tol(tmp_path):
    """The gap that tol was compared with was 0 / 0."""
    problem = hc.TrainingProblem(np.eye(3), np.zeros(3), 1.0)
    hc.train(problem).save(tmp_path / "file.npz", tol=1e-3)
    assert "Proven" in verify.verify(tmp_path / "file.npz")


@pytest.mark.parametrize("unit", [0.01, 300.0])
def test_the_reference_is_proven_in_any_unit(unit, tmp_path):
    """Its dual point was that of targets of size one, which proves another bound."""
    problem = problem_of(8, 2)
    problem = replace(problem, y=unit * problem.y, beta=unit * problem.beta)
    solution = hc.train(problem, solver="cvxpy")
    assert problem.dual_value(solution.dual_point) == pytest.approx(solution.lower_bound, rel=1e-9)
    solution.save(tmp_path / "file.npz")
    assert "Proven" in verify.verify(tmp_path / "file.npz")


# ------------------------------------------------------------------------- the checker by itself


def run(*arguments, code=None):
    command = [sys.executable, *arguments] if code is None else [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_checker_is_a_lone_folder_with_a_verdict(files, tmp_path):
    lone = shutil.copytree(VERIFY, tmp_path / "checker")
    good, bad = files[3][1], tmp_path / "bad.npz"
    bad.write_bytes(b"no archive")
    done = run("-I", str(lone), str(good))
    assert done.returncode == 0 and done.stdout.count("Proven, rounding included") == 1
    done = run(str(lone), str(good), str(bad))
    assert done.returncode == 1 and "REFUSED, file" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_checker_loads_no_oracle(files):
    code = (
        "import sys; from hidden_convexity import verify; "
        f"verify.verify({str(files[3][1])!r}); print(*sys.modules)"
    )
    loaded = run(code=code).stdout.split()
    own = {name for name in loaded if name.startswith("hidden_convexity.")}
    own = {name for name in own if not name.startswith("hidden_convexity.verify.")}
    assert own == {"hidden_convexity.verify"}
    assert {"numba", "scipy", "cvxpy"}.isdisjoint(loaded)


def test_the_front_door_opens_to_everything_and_runs_nothing():
    loaded = run(code="import sys, hidden_convexity; print(*sys.modules)").stdout.split()
    assert {"numba", "scipy", "cvxpy"}.isdisjoint(loaded)
    assert set(hc.__all__) <= set(dir(hc))
    for name in hc.__all__:
        assert getattr(hc, name) is not None
    assert callable(hc.report) and callable(hc.check)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hc.nothing  # noqa: B018
    assert pickle.loads(pickle.dumps(hc.ReLUNetwork([[1.0]], [1.0]))).hidden_weights == 1.0


# ---------------------------------------------------------------------- against exact arithmetic


def exact_height(X, nu, u):
    """|nu.(Xu)_+| / ||u|| from below, in rational arithmetic but for the last root."""
    u = [Fraction(float(t)) for t in u]
    rows = [[Fraction(float(t)) for t in x] for x in X]
    products = [sum(s * t for s, t in zip(x, u, strict=True)) for x in rows]
    total = sum(Fraction(float(w)) * max(t, 0) for w, t in zip(nu, products, strict=True))
    square = total**2 / sum(t * t for t in u)
    return np.sqrt(float(square)) * (1 - 1e-15)


def lattice(rng, n, d):
    """Rows made to tie: small integers, some repeated, some opposite, some zero."""
    X = rng.integers(-2, 3, size=(n, d)).astype(float)
    X[1], X[2] = -X[0], 2 * X[0]
    return X


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_the_plane_is_bounded_from_above_and_closely(seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0] if seed % 2 else np.eye(2)
    X, nu = lattice(rng, 8, 2) @ turn, rng.integers(-3, 4, size=8).astype(float)
    bound = verify.plane(X, nu)
    # Every breakpoint, and the peak of every piece: exact rational directions near the maximum.
    breaks = np.concatenate([X[:, ::-1] * [-1, 1], X[:, ::-1] * [1, -1]])
    between = breaks[:, None] / 8 + breaks[None] / 7
    directions = np.concatenate([breaks, between.reshape(-1, 2), rng.normal(size=(50, 2))])
    peaks = [nu * (X @ u > 0) @ X for u in directions]
    directions = [u for u in [*directions, *peaks, *(-p for p in peaks)] if np.any(u)]
    largest = max(exact_height(X, nu, u) for u in directions)
    assert largest <= bound <= largest * (1 + 1e-12) + 1e-290


@pytest.mark.proves("checker")
@pytest.mark.parametrize("seed", range(12))
def test_cones_bound_every_direction_from_above(seed):
    rng = np.random.default_rng(seed)
    d = 3 + seed % 2
    X, nu = lattice(rng, 7, d), rng.integers(-3, 4, size=7).astype(float)
    best = hc.oracle.BranchAndBound(X)(nu, tolerance=1e-6)
    bound, _ = verify.cones(X, nu, np.zeros(2**d, np.uint8), best.bound * (1 + 1e-3) + 1e-9)
    for u in np.concatenate([best.directions, rng.normal(size=(20, d)), lattice(rng, 5, d)]):
        if u.any():
            assert exact_height(X, nu, u) <= bound
    with pytest.raises(verify.Refused, match=r"not proven|fails in a direction"):
        verify.cones(X, nu, np.zeros(2**d, np.uint8), max(best.value, 1e-3) * (1 - 1e-3))


def test_the_two_objectives_hold_their_exact_values():
    rng = np.random.default_rng(0)
    for _ in range(20):
        X, y = lattice(rng, 6, 3) / 8, rng.integers(-4, 5, size=6) / 8
        W, a = rng.normal(size=(2, 3)), rng.normal(size=2)
        file = {"X": X, "y": y, "hidden_weights": W, "output_weights": a, "beta": 0.1}
        low, high = verify.objective(file | {"loss": "squared"})
        exact = [[Fraction(float(t)) for t in row] for row in (*X, *W, a, y)]
        rows, neurons, (out, targets) = exact[:6], exact[6:8], exact[8:]
        off = [
            sum(
                c * max(sum(s * t for s, t in zip(x, w, strict=True)), 0)
                for c, w in zip(out, neurons, strict=True)
            )
            - target
            for x, target in zip(rows, targets, strict=True)
        ]
        weights = sum(t * t for row in (*neurons, out) for t in row)
        value = sum(t * t for t in off) / 2 + Fraction(0.1) * weights / 2
        assert low <= value <= high <= low * (1 + 1e-12)
        nu = rng.normal(size=6)
        points = [Fraction(float(t)) for t in nu]
        value = sum(t * (s - t / 2) for s, t in zip(targets, points, strict=True))
        assert verify.dual_value(y, nu, "squared") <= value
        assert float(value) - verify.dual_value(y, nu, "squared") < 1e-13


def test_a_bound_that_was_one_per_cent_too_high_is_noticed(tmp_path):
    """The mutation: a solver that believes M(nu) to be one per cent lower than it is."""
    for d in (2, 3):
        solution = hc.train(problem_of(40, d))
        nu = 1.01 * solution.dual_point
        # Of a network that is two per cent worse, so that the bound is below its objective.
        known = {"objective": 1.02 * solution.objective, "dual_point": nu}
        wrong = replace(solution, lower_bound=solution.problem.dual_value(nu), **known)
        with pytest.raises(ValueError, match=r"checker proves|not proven|fails in"):
            wrong.save(tmp_path / "file.npz")


def test_every_figure_that_claims_a_global_optimum_has_its_certificate():
    figures = Path(__file__).resolve().parents[2] / "figures"
    claimed = {
        name: entry["solution"]["objective"]
        for name, entry in manifest.read_manifest(figures).items()
        if entry["solution"] is not None and entry["solution"]["scope"] == "global"
    }
    stored = {path.stem: path for path in (figures / "certificates").glob("*.npz")}
    assert stored.keys() == claimed.keys()
    for name, path in stored.items():
        assert float(np.load(path)["objective"]) == pytest.approx(claimed[name], rel=1e-5)
        assert path.stat().st_size <= manifest.LARGEST_CERTIFICATE
