"""Two linear layers, the first a circular convolution with filters as long as the signal.

f(x) = sum_j x' C(h_j) a_j, C(h) the circulant matrix with C(h) a = h (*) a, circular convolution.
So f(X) = X z with z = sum_j h_j (*) a_j. For the unitary DFT F the convolution theorem reads
F(h (*) a) = sqrt(d) (F h)(F a), entry by entry, and norms are kept, so the penalty is

    (beta/2) sum_j (||F h_j||^2 + ||F a_j||^2) >= beta sum_j sum_k |F h_j|_k |F a_j|_k
                                               >= (beta / sqrt(d)) sum_k |F z|_k.

Both are equalities for a single filter with |F h|_k = |F a|_k = (|F z|_k / sqrt(d))^(1/2), the
phases of F z given to a: then F h is even and real, F a has the symmetry of F z, both are real. So
the network has the value of the convex program with any number of filters.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, nuclear_norm, parts, trained
from hidden_convexity.equivalences.fourier import Fourier

FILTERS = 3

table_row = parts.TableRow(
    name="linear circular convolution",
    model=r"$\frac12\|Xz - y\|^2 + \frac{\beta}{\sqrt d}\|Fz\|_1$",
    signal="Lasso, in frequency",
    citation="[Gunasekar et al. 2018](https://arxiv.org/abs/1806.00468), "
    "[Ergen, Pilanci 2021](https://arxiv.org/abs/2006.14798)",
    atoms=r"$|Fz|_k$",
    proven="any size",
)


class ConvolutionalNetwork(NamedTuple):
    """f(X) = X sum_j h_j (*) a_j, with filters h (m, d) and output weights a (m, d)."""

    filters: np.ndarray
    output: np.ndarray

    @property
    def width(self):
        """Number m of filters."""
        return self.filters.shape[-2]

    def __call__(self, X):
        spectrum = (np.fft.rfft(self.filters) * np.fft.rfft(self.output)).sum(axis=-2)
        z = np.fft.irfft(spectrum, n=X.shape[1])
        return (X @ z[..., None])[..., 0]


def instance(rng):
    """Ten signals of eight samples, targets from a filter with one frequency, and noise."""
    X, noise, beta = parts.random_instance(rng, n=10, d=8, beta=2.0)
    tone = np.cos(2 * np.pi * (np.arange(8) / 8 + rng.uniform()))
    return X, X @ tone + 0.3 * noise, beta


def objective(network, X, y, beta):
    """1/2 ||f(X) - y||^2 + (beta/2) sum_j (||h_j||^2 + ||a_j||^2)."""
    X, y, beta = parts.checked(X, y, beta)
    decay = parts.squares(network.filters, 2) + parts.squares(network.output, 2)
    return parts.squared_error(network(X), y) + 0.5 * beta * decay


def convex_program(X, y, beta):
    """Least squares with the l1 norm of the spectrum, real and imaginary parts side by side."""
    X, y, beta = parts.checked(X, y, beta)
    d = X.shape[1]
    F = np.fft.fft(np.eye(d), norm="ortho")
    z = cp.Variable(d, name="z")
    moduli = cp.norm(cp.vstack([F.real @ z, F.imag @ z]), 2, axis=0)
    penalty = beta / np.sqrt(d) * cp.sum(moduli)
    return parts.Program(0.5 * cp.sum_squares(X @ z - y) + penalty)


class Spectrum:
    """The map from spectral lines to X z, as `nuclear_norm.solve` takes it: the group Lasso.

    Block k is the row (Re, Im) of m_k (F z)_k / sqrt(d) for k = 0, ..., d/2, where m_k = 2 counts
    the conjugate line too if there is one: its length is what the line, or the pair, costs.
    """

    def __init__(self, X):
        self._X, self._d, self._transform = X, X.shape[1], Fourier(X.shape[1])
        lines = self._d // 2 + 1
        self._count = np.full(lines, 2.0)
        self._count[0] = 1.0
        if self._d % 2 == 0:
            self._count[-1] = 1.0
        self.shape = lines, 1, 2

    def filter(self, factors):
        """z (d,)."""
        rows = factors.left * factors.right
        real, imaginary = (
            np.bincount(factors.block, weights=part, minlength=len(self._count)) for part in rows.T
        )
        return np.fft.irfft((real + 1j * imaginary) * self._d / self._count, n=self._d)

    def outputs(self, factors):
        """X z."""
        return self._X @ self.filter(factors)

    def pullback(self, factors, nu):
        """The lines of X'nu that the factors stand for, times the other factor."""
        rows = _pairs(np.fft.rfft(nu @ self._X))[factors.block, 0]
        return (rows * factors.right).sum(axis=1, keepdims=True), rows * factors.left

    def adjoint(self, nu):
        """The DFT of X'nu, real and imaginary parts, (lines, 1, 2)."""
        return _pairs(self._transform(nu @ self._X)[: len(self._count)])

    def allowance(self, nu):
        """Of the transform, and of sums over samples before it, which it adds up once more."""
        d, v = self._d, nu @ self._X
        before = trained.rounding(len(nu), trained.norm(self._X) * trained.norm(nu), d)
        return np.sqrt(d) * before + self._transform.error * (trained.norm(v) + before)


def _pairs(spectrum):
    """Real and imaginary parts of lines as blocks of one row, (lines, 1, 2)."""
    return np.stack([spectrum.real, spectrum.imag], axis=-1)[:, None, :]


def train(X, y, beta, tol=1e-4, max_seconds=None, progress=False, proof=True):
    """Train the network to a certified gap, at any size: by FFT, see `nuclear_norm`.

    Parameters
    ----------
    X : (n, d) array_like
        n signals of d samples.
    y : (n,) array_like
    beta : float
        Weight decay, > 0.
    tol, max_seconds, progress, proof
        As in `trained.options`.

    Returns
    -------
    RowSolution
        Its network has one filter; the scope is "global": any number of filters.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of these kinds.
    """
    X, y, beta = parts.checked(X, y, beta)
    tol, max_seconds, progress, _ = trained.options(tol, max_seconds, progress, proof)
    maps = Spectrum(X)
    found = nuclear_norm.solve(maps, y, beta, tol, max_seconds, progress)
    network = _one_filter(maps.filter(found.factors))
    return trained.solution(network, objective(network, X, y, beta), "global", found)


def decode(program):
    """One filter, balanced against its output weights at every frequency."""
    return _one_filter(program.weights("z"))


def _one_filter(z):
    """The balanced filter and its output weights; none if z is 0."""
    spectrum = np.fft.rfft(z[None][: int(z.any())])
    root = np.sqrt(np.abs(spectrum))
    pair = root, root * np.exp(1j * np.angle(spectrum))
    return ConvolutionalNetwork(*(np.fft.irfft(half, n=len(z)) for half in pair))


def sizes(program):
    """Moduli of the spectrum at all d frequencies."""
    return np.abs(np.fft.fft(program.weights("z"), norm="ortho"))


def descend(X, y, beta, rng):
    """L-BFGS on filters and output weights from a random start."""
    start = ConvolutionalNetwork(*0.5 * rng.normal(size=(2, FILTERS, X.shape[1])))
    return descent.lbfgs(start, objective, X, y, beta, rng)
