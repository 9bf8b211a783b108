"""The argument `patterns` of training: the chambers that neurons are to keep to, if any."""

import numbers

import numpy as np

from hidden_convexity.foundations.validation import whole_number
from hidden_convexity.geometry.arrangement import Arrangement


def checked_patterns(patterns, problem):
    """The arrangement to use, or None for all chambers."""
    if isinstance(patterns, str) and patterns == "all":
        return None
    _refuse_data(problem)
    if isinstance(patterns, numbers.Integral):
        return Arrangement.sample(problem.X, whole_number(patterns, "patterns", 1))
    if not isinstance(patterns, Arrangement):
        raise TypeError(f'patterns must be "all", an Arrangement or an integer, got {patterns!r}')
    if not np.array_equal(patterns.X, problem.X):
        raise ValueError("patterns must be an arrangement of problem.X, got one of other data")
    return patterns


def given_patterns(patterns, problem, proof):
    """The arrangement whose chambers neurons are to keep to, or None if that means no limit."""
    patterns = checked_patterns(patterns, problem)
    if patterns is None or (patterns.complete and problem.y.ndim == 1):
        return None
    if not proof:
        raise ValueError('proof=False goes with patterns="all" only')
    _refuse_kind(problem)
    return patterns


def with_patterns(error, problem):
    """The error with patterns among the ways on, if training takes them for a problem."""
    try:
        _refuse_data(problem)
        _refuse_kind(problem)
    except ValueError:
        return error
    sampled = "patterns=Arrangement.sample(X, count) to train over sampled patterns"
    return error.instead(error.ways | {"patterns": sampled})


def _refuse_data(problem):
    if problem.X.ndim == 3 or problem.slope != 0:
        raise ValueError(
            f'patterns other than "all" take ReLU networks on data (n, d), without slope; got '
            f"{problem!r}"
        )


def _refuse_kind(problem):
    if problem.loss == "hinge":
        raise ValueError(
            'patterns must be "all" for the hinge loss, as programs over given ones go by second '
            'derivatives, which it has none of; or take solver="cvxpy", or the logistic loss'
        )
    if problem.y.ndim == 2 and len(problem.free_terms):
        raise ValueError(
            f'patterns other than "all" take skip and intercept with one output, got {problem!r}'
        )
