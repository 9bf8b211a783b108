"""Checks of the exercises of notebook 01: sparse signal processing."""

import numpy as np

from hidden_convexity.companion.exercises.verdict import exercise, require

# Correlations of atoms that are not used keep this share of beta, or of 1, away from the limit, so
# that neither rounding nor a solver's accuracy decides.
MARGIN = 0.05


@exercise("01.1")
def atoms_chosen(answer, rng):
    for n, p, k in [(12, 12, 5), (20, 6, 6), (9, 9, 0), (30, 30, 11)]:
        A = np.linalg.qr(rng.normal(size=(n, p)))[0]
        y, beta, z = _certified_lasso(A, k, rng)
        given = answer.count(A, y, beta)
        require(
            given == k,
            f"the optimum for {p} orthonormal atoms uses {np.count_nonzero(z)}, not {given}",
        )


@exercise("01.2")
def group_beta_max(answer, rng):
    angles = np.linspace(0, 2 * np.pi, 10_000)
    circle = np.array([np.cos(angles), np.sin(angles)])
    for k, directions in [(1, np.array([[-1.0, 1.0]])), (2, circle)]:
        for n, p in [(10, 15), (15, 4)]:
            A, Y = rng.normal(size=(n, p)), rng.normal(size=(n, k))
            given = answer.number(A, Y)
            # A short step moves one row of Z along a direction of length one: it costs beta, and
            # improves the fit at this rate. The circle is fine enough for a relative 1e-7.
            rate = (A.T @ Y @ directions).max()
            what = "column" if k == 1 else "columns"
            require(
                given > 0.999 * rate,
                f"for {k} {what}, just above your number, moving one row of Z off zero still pays",
            )
            require(
                given < 1.001 * rate,
                f"for {k} {what}, just below your number, zero is optimal already",
            )


@exercise("01.3")
def lower_bound(answer, rng):
    for n, p, k in [(8, 12, 3), (10, 6, 6), (6, 9, 0)]:
        # The optimum is known because it is made from its certificate: nu touches beta at the atoms
        # in use and is below it, sometimes far below zero, at the others.
        beta, nu = rng.uniform(0.5, 2), rng.normal(size=n)
        z = np.zeros(p)
        z[:k] = rng.uniform(0.5, 2, size=k)
        most = 1 - MARGIN if k else -MARGIN  # without atoms in use, all correlations are negative
        heights = np.where(z > 0, 1.0, rng.uniform(-3, most, size=p))
        A = rng.normal(size=(n, p))
        A += np.outer(nu, beta * heights - A.T @ nu) / (nu @ nu)
        y = A @ z + nu
        optimum = nu @ nu / 2 + beta * z.sum()
        given = answer.number(A, y, beta, z)
        require(given < optimum * (1 + 1e-6), "your bound is above the optimum")
        below = given < optimum * (1 - 1e-6)
        largest = np.abs(A.T @ nu).max()
        two_sided = largest > beta and np.isclose(given, _value(beta / largest, nu, y))
        require(
            not (below and two_sided),
            "you scale nu down for correlations below -beta, and these are allowed",
        )
        negative = (A.T @ nu < 0).all()
        require(
            not (below and negative),
            "where all correlations are negative nu is feasible as it is, and your bound is lower",
        )
        require(
            not below,
            "for the optimal z your bound is below the optimum, the value of its own residual",
        )
        for other in (np.zeros(p), 2 * z, z + rng.uniform(size=p), rng.uniform(size=p) / 5):
            given = answer.number(A, y, beta, other)
            require(given < optimum * (1 + 1e-6), "for another z your bound is above the optimum")
            rest = y - A @ other
            correlations = A.T @ rest
            scales = [1.0, *(beta / correlations[correlations > 0])]
            value = _value(min(scales), rest, y)
            require(
                given > value - 1e-6 * abs(value),
                "the residual of some z, scaled as the exercise says, has a larger dual value",
            )


@exercise("01.4")
def lost_corner(answer, rng):
    sizes = rng.uniform(0.3, 2, size=(6, 3))
    signs = np.array([[1, 1, 1], [1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1], [1, -1, -1]])
    corners = [*(sizes * signs), (0, 1, 2), (1, 0, 2), (1, 3, -3), (-1, 3, -3), (0.2, -1, 1)]
    for corner in corners:
        a, b, c = (float(entry) for entry in corner)
        x = answer.number(a, b, c)
        grid, step = np.linspace(-abs(a) - 1, abs(a) + 1, 2001, retstep=True)
        matrices = np.empty((len(grid), 2, 2))
        matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 0] = a, b, c
        matrices[:, 1, 1] = grid
        best = grid[np.argmin(np.linalg.svd(matrices, compute_uv=False).sum(axis=1))]
        # The grid's accuracy, and that of a general solver at a flat minimum.
        near = abs(x - best) < 2 * step + 2e-3
        text = f"a = {a:.2g}, b = {b:.2g}, c = {c:.2g}"
        require(near, f"for {text} the nuclear norm is not smallest at your x = {x:.2g}")


@exercise("01.5")
def certified(answer, rng):
    for k in 12 * (1, 2, 4, 6):
        A = rng.normal(size=(12, 20))
        z = np.zeros(20)
        z[:k] = rng.choice([-1, 1], size=k) * rng.uniform(0.5, 2, size=k)
        active = A[:, :k]
        nu = active @ np.linalg.solve(active.T @ active, np.sign(z[:k]))
        highest = np.abs(A[:, k:].T @ nu).max()
        if abs(highest - 1) < MARGIN:
            continue
        given = answer.truth(A, z)
        require(
            given or highest > 1,
            "there is a z that the shortest nu proves to be the answer, and you return False",
        )
        require(
            highest < 1 or not given,
            "you return True, and at an atom that is not used the shortest nu is beyond the limit",
        )
    dependent = rng.normal(size=(60, 5))
    dependent[:, 1] = dependent[:, 0]
    wide = rng.normal(size=(3, 6))
    for A, z in [(dependent, [2.0, 1.0, -1.0, 0.0, 0.0]), (wide, [1.0, -1, 2, 1, 1, -3])]:
        given = answer.truth(A, np.array(z))
        require(not given, "you return True, and the active atoms are dependent")


@exercise("01.6")
def choose_beta(answer, rng):
    n, used, sigma = 64, 5, 0.3
    universal = sigma * np.sqrt(2 * np.log(n))
    errors = []
    for _ in range(20):
        A = np.linalg.qr(rng.normal(size=(n, n)))[0]
        truth = np.zeros(n)
        truth[rng.choice(n, size=used, replace=False)] = rng.normal(scale=10 * sigma, size=used)
        c = truth + sigma * rng.normal(size=n)
        beta = answer.number(A, A @ c, sigma)
        require(beta > 0, "your beta is not positive")
        codes = np.sign(c) * np.maximum(np.abs(c) - [[universal], [beta]], 0)
        errors.append(np.sum((codes - truth) ** 2, axis=1))
    of_universal, of_given = np.mean(errors, axis=0)
    nearer = of_given < of_universal
    require(nearer, "on average the universal threshold brings the Lasso closer to the truth")


def _value(scale, nu, y):
    """Dual value of a multiple of nu."""
    return scale * (nu @ y) - scale**2 * (nu @ nu) / 2


def _certified_lasso(A, k, rng):
    """Data and penalty for which the optimum z is known: it has k non-zeros, and a certificate.

    The columns of A are orthonormal, so that A @ heights has the correlations `heights`.
    """
    n, p = A.shape
    beta, z = rng.uniform(0.5, 2), np.zeros(p)
    on = rng.choice(p, size=k, replace=False)
    z[on] = rng.choice([-1, 1], size=k) * rng.uniform(0.1, 2, size=k)
    heights = np.where(z == 0, rng.uniform(MARGIN - 1, 1 - MARGIN, size=p), np.sign(z))
    unseen = rng.normal(size=n)
    nu = beta * (A @ heights) + unseen - A @ (A.T @ unseen)
    return A @ z + nu, beta, z
