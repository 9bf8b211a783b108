"""The flats on which neurons move."""

import resource

import numpy as np

from hidden_convexity.problem.restricted.neurons import null_space


def test_a_flat_of_many_tight_rows_takes_no_square_of_them():
    """An edge filter on MNIST has 1e5 tight patches; their SVD took 16 GiB."""
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(60_000, 2)), np.zeros((60_000, 2))])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    basis = null_space(rows, np.array([0.0, 0.0, 0.6, 0.8]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB: 1 GiB
    assert basis.shape == (2, 4)
    np.testing.assert_allclose(rows @ basis.T, 0, atol=1e-12)
