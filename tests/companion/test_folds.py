"""Error bars: the standard error of a mean, and of paired differences."""

import numpy as np
import pytest

from hidden_convexity.companion.folds import mean_and_error


def test_the_standard_error_is_that_of_a_mean_of_independent_values():
    rng = np.random.default_rng(0)
    draws = rng.normal(3.0, 2.0, size=(20_000, 5))
    means, errors = np.array([mean_and_error(draw) for draw in draws]).T
    assert (errors**2).mean() == pytest.approx(means.var(), rel=0.03)
    assert means.mean() == pytest.approx(3.0, abs=0.03)


def test_what_makes_a_fold_hard_for_both_cancels_in_the_difference():
    hard = np.array([1.0, 5.0, 2.0, 9.0])
    assert mean_and_error(hard + 0.5 - hard) == (0.5, 0.0)
    assert mean_and_error(hard)[1] > 1


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ([0.1], ValueError, "values must hold two or more"),
        ([0.1, float("nan")], ValueError, "values"),
        (["a", "b"], TypeError, "values must hold real numbers"),
        ([[0.1, 0.2]], ValueError, "values"),
    ],
)
def test_what_has_no_error_bar_is_refused(values, kind, message):
    with pytest.raises(kind, match=message):
        mean_and_error(values)
