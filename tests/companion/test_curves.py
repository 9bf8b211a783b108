"""Times to a gap, against curves whose crossing is known."""

import numpy as np
import pytest

from hidden_convexity.companion.curves import seconds_to_gap

# Two trainings from 2 towards 1, the second of which stays a tenth above.
CURVE = [[1.0, 2.0, 2.0], [2.0, 1.1, 1.2], [4.0, 1.0, 1.1]]


def test_a_time_to_a_gap_is_that_of_the_first_record_within_it():
    assert seconds_to_gap(CURVE, 1.0, 0.1).tolist() == [2.0, 4.0]
    assert seconds_to_gap(CURVE, 1.0, 1e-3).tolist() == [4.0, np.inf]


def test_a_gap_once_reached_stays_reached():
    """A curve may rise again: the time is that of who stops at the first record."""
    rising = [[1.0, 1.0], [2.0, 3.0]]
    assert seconds_to_gap(rising, 1.0, 1e-3).tolist() == [1.0]


@pytest.mark.parametrize(
    "bent", [{"curve": [[1.0]]}, {"curve": [1.0]}, {"bound": 0.0}, {"gap": -1.0}]
)
def test_what_has_no_gap_is_refused_by_name(bent):
    given = {"curve": CURVE, "bound": 1.0, "gap": 0.1} | bent
    with pytest.raises((TypeError, ValueError), match=next(iter(bent))):
        seconds_to_gap(**given)
