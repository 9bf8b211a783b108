"""Compile before anybody waits for it: what a first training of each kind would."""

from time import perf_counter

import numpy as np

import hidden_convexity as hc
from hidden_convexity.foundations.compilation import waiting
from hidden_convexity.foundations.progress import say


def compile():
    """Compile what first trainings would, and keep it for all later runs.

    A line on stderr for each kind of training says what it is and how many seconds it took, unless
    TQDM_DISABLE is set: a minute or two in all, less than a second each where it is compiled
    already. What is edited later is compiled again when it is called.
    """
    told, waiting.told = waiting.told, True
    began = perf_counter()
    try:
        for name, first in _FIRST.items():
            start = perf_counter()
            first()
            say(f"hidden_convexity: compiled {name}: {perf_counter() - start:.1f} s")
    finally:
        waiting.told = told
    say(f"hidden_convexity: compiled, in {perf_counter() - began:.0f} s")


def _train(n, d, outputs=(), **options):
    """Train on Gaussian data at a tenth of the largest weight decay, or nearly so."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, d)), rng.normal(size=(n, *outputs))
    beta = 0.1 * np.linalg.norm(X.T @ y)
    return hc.train(hc.TrainingProblem(X, y, beta), **options)


def _on_a_line():
    x = np.linspace(-1.0, 1.0, 20)
    hc.splines.train(x, np.sin(3 * x), 0.01)
    hc.mirrors.train(x, np.sin(3 * x), 0.01)


# Shapes that take one way each: few chambers are listed, many are searched and bounded.
_FIRST = {
    "training in the plane": lambda: _train(20, 2),
    "training where chambers are few": lambda: _train(20, 3),
    "training where they are many": lambda: _train(150, 3),
    "training without proof": lambda: _train(60, 6, proof=False, tol=1e-2),
    "training over sampled patterns": lambda: _train(40, 4, patterns=20),
    "training of several outputs": lambda: _train(40, 3, outputs=(2,), tol=1e-2),
    "training on a line": _on_a_line,
    "zonotopes": lambda: hc.Zonotope(np.random.default_rng(0).normal(size=(8, 3))).vertices,
}
