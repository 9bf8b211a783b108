"""Two linear layers, the first a circular convolution with filters as long as the signal.

f(x) = sum_j x' C(h_j) a_j, C(h) the circulant matrix with C(h) a = h (*) a, circular convolution.
So f(X) = X z with z = sum_j h_j (*) a_j. For the unitary DFT F the convolution theorem reads
F(h (*) a) = sqrt(d) (F h)(F a), entry by entry, and norms are kept, so the penalty is

    (beta/2) sum_j (||F h_j||^2 + ||F a_j||^2) >= beta sum_j sum_k |F h_j|_k |F a_j|_k
                                               >= (beta / sqrt(d)) sum_k |F z|_k.

Both are equalities for a single filter with |F h|_k = |F a|_k = (|F z|_k / sqrt(d))^(1/2), the
phases of F z given to a: then F h is even and real, F a has the symmetry of F z, both are real.
"""

from typing import NamedTuple

import cvxpy as cp
import numpy as np

from hidden_convexity.equivalences import descent, parts

FILTERS = 3

table_row = parts.TableRow(
    name="linear circular convolution",
    model=r"$\frac12\|Xz - y\|^2 + \frac{\beta}{\sqrt d}\|Fz\|_1$",
    signal="Lasso, in frequency",
    citation="[Ergen, Pilanci 2021](https://arxiv.org/abs/2006.14798)",
    atoms=r"$|Fz|_k$",
)


class ConvolutionalNetwork(NamedTuple):
    """f(X) = X sum_j h_j (*) a_j, with filters h (m, d) and output weights a (m, d)."""

    filters: np.ndarray
    output: np.ndarray

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


def decode(program):
    """One filter, balanced against its output weights at every frequency."""
    z = program.weights("z")
    spectrum = np.fft.rfft(z)
    root = np.sqrt(np.abs(spectrum))
    pair = root, root * np.exp(1j * np.angle(spectrum))
    return ConvolutionalNetwork(*(np.fft.irfft(half, n=len(z))[None] for half in pair))


def sizes(program):
    """Moduli of the spectrum at all d frequencies."""
    return np.abs(np.fft.fft(program.weights("z"), norm="ortho"))


def descend(X, y, beta, rng):
    """L-BFGS on filters and output weights from a random start."""
    start = ConvolutionalNetwork(*0.5 * rng.normal(size=(2, FILTERS, X.shape[1])))
    return descent.lbfgs(start, objective, X, y, beta, rng)
