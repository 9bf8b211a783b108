"""What the restricted program asks of the data, against the plain formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hidden_convexity.oracle import Circle
from hidden_convexity.problem.pooling import Pooling
from hidden_convexity.problem.restricted import passes
from hidden_convexity.problem.restricted.passes import Passes, PooledPasses


def features(X, directions, columns, owner):
    """D_j X c, one column for each c: (n, K)."""
    return (X @ directions.T > 0)[:, owner] * (X @ columns.T)


def neurons(d, seed, patterns=4):
    """Directions in general position, and for each one or more columns."""
    rng = np.random.default_rng(seed)
    owner = np.sort(rng.integers(0, patterns, 7))
    return rng.normal(size=(patterns, d)), rng.normal(size=(7, d)), owner


def planar(method, X):
    return method(X) if X.shape[1] == 2 else Passes(X)


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.int64, st.tuples(st.integers(1, 8), st.integers(2, 3)), elements=st.integers(-2, 2)),
    st.integers(0, 1_000),
    st.sampled_from([Circle, Passes]),
)
def test_products_are_those_of_the_features_where_rows_tie(X, seed, method):
    X = X.astype(float)
    on_data = planar(method, X)
    directions, columns, owner = neurons(X.shape[1], seed)
    F = features(X, directions, columns, owner)
    rng = np.random.default_rng(seed)
    nu, weights = rng.normal(size=len(X)), rng.uniform(size=len(X))
    signs = rng.choice([-1.0, 1.0], size=len(directions))
    close = {"rtol": 1e-12, "atol": 1e-11}
    outputs = np.maximum(X @ directions.T, 0) @ signs
    np.testing.assert_allclose(on_data.predict(directions, signs), outputs, **close)
    np.testing.assert_allclose(on_data.correlate(nu, directions, columns, owner), nu @ F, **close)
    np.testing.assert_allclose(on_data.gram(directions, columns, owner), F.T @ F, **close)
    weighted = on_data.gram(directions, columns, owner, weights)
    np.testing.assert_allclose(weighted, F.T @ (weights[:, None] * F), **close)


def pooled(X):
    return PooledPasses(Pooling.of(X, 0.0))


@pytest.mark.parametrize("method", [Passes, pooled])
@pytest.mark.parametrize("block", [7, 50, 10_000])
def test_blocks_and_remembered_products_change_nothing(block, method, monkeypatch):
    """Features stay, go, return, change places and are joined by others, as from round to round."""
    monkeypatch.setattr(passes, "BLOCK", block)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    directions, columns, owner = neurons(3, 1)
    more = rng.normal(size=(3, 3))
    on_data = method(X)
    for kept in ([0, 1, 2], [2, 1], [1, 2, 3, 4, 5, 6], [6, 0, 5], [0, 5, 6], []):
        asked = np.vstack([columns[kept], more[:1]]), np.append(owner[kept], 0)
        F = features(X, directions, *asked)
        given = on_data.gram(directions, *asked)
        np.testing.assert_allclose(given, F.T @ F, atol=1e-12)
        np.testing.assert_array_equal(given, given.T)
        given *= 0.0  # the caller's to change
        # Another pattern for the same columns is another feature, and weights are another matrix.
        other = features(X, -directions, *asked)
        np.testing.assert_allclose(on_data.gram(-directions, *asked), other.T @ other, atol=1e-12)
        halved = on_data.gram(directions, *asked, np.full(40, 0.5))
        np.testing.assert_allclose(halved, 0.5 * F.T @ F, atol=1e-12)
