"""Choices on a validation part: what a grid has to offer, and whether it was wide enough.

A candidate is a setting, one value of each parameter of a grid, with what predicts labels by it,
and facts to be stored with it.
"""

import json

import numpy as np


def share_of_errors(predict, part):
    """Of (A, labels), the share of wrong answers of what returns labels."""
    A, labels = part
    return float(np.mean(predict(A) != labels))


def choose(grid, candidates, validation, test):
    """Test, once, the candidate of the fewest validation errors, the first among equals.

    Returns
    -------
    dict
        Columns of a sweep. `setting` is JSON; `at_an_end` names the parameters whose value is the
        first or the last of its grid; `validation_error`, and `inside_error`, the least one of
        the settings that are at no end: where the two are equal, a wider grid is not asked for;
        `test_error`; and the candidate's facts. None where there is none.
    """
    best, inside = None, None
    for setting, predict, facts in candidates:
        wrong = share_of_errors(predict, validation)
        if best is None or wrong < best[0]:
            best = wrong, setting, predict, facts
        if not ends(grid, setting) and (inside is None or wrong < inside):
            inside = wrong
    wrong, setting, predict, facts = best
    found = {
        "setting": json.dumps(setting),
        "at_an_end": ", ".join(ends(grid, setting)) or None,
        "validation_error": wrong,
        "inside_error": inside,
    }
    return found | {"test_error": share_of_errors(predict, test)} | facts


def ends(grid, setting):
    """The parameters whose value is the first or the last of those tried; fixed ones have none."""
    return [
        name
        for name, value in setting.items()
        if len(grid[name]) > 1 and value in (grid[name][0], grid[name][-1])
    ]
