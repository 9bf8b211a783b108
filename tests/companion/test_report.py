"""What is printed is the same on every machine, and never makes a failure look like success."""

import numpy as np
import pytest

from hidden_convexity.companion.report import report
from hidden_convexity.problem.gap import format_gap


def printed(capsys, *arguments, **options):
    report(*arguments, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (12.0, "12"),
        (-0.0, "0"),
        (1234567.0, "1.235e+06"),
        (np.float64(2 / 3), "0.6667"),
        (np.float32(0.1), "0.1"),
        (7, "7"),
        (1234567, "1234567"),
        (np.int64(26), "26"),
        (True, "True"),
        (np.bool_(False), "False"),
        ("global", "global"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_report_prints_floats_with_four_digits_and_the_rest_as_it_is(capsys, value, text):
    line = printed(capsys, "value", value)
    assert line.endswith(f". {text}\n") and line.startswith("value ...")


def test_report_aligns_its_lines(capsys):
    lines = [
        printed(capsys, "duality gap", 3e-9, residual_below=1e-6),
        printed(capsys, "neurons", 7),
        printed(capsys, "scope", "global"),
    ]
    assert len({line.rindex(". ") for line in lines}) == 1
    assert all(line.count("\n") == 1 for line in lines)


def test_report_separates_long_labels_from_the_value(capsys):
    assert printed(capsys, "x" * 60, 1) == "x" * 60 + " ... 1\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-9, "< 1e-6"),
        (0.0, "< 1e-6"),
        (-3e-9, "< 1e-6"),
        (1e-6, "1e-06"),
        (0.0123, "0.012"),
        (-0.0123, "-0.012"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_report_never_hides_a_residual_that_is_too_large(capsys, value, text):
    assert printed(capsys, "gap", value, residual_below=1e-6).endswith(f". {text}\n")


@pytest.mark.parametrize(("below", "text"), [(1e-12, "< 1e-12"), (5e-4, "< 5e-4"), (0.1, "< 1e-1")])
def test_report_writes_the_threshold_in_full(capsys, below, text):
    assert printed(capsys, "gap", 0, residual_below=below).endswith(f". {text}\n")


@pytest.mark.parametrize("value", [[1.0, 2.0], np.ones(3), None, 1j])
def test_report_refuses_what_is_not_one_number(value):
    with pytest.raises(TypeError, match="value must"):
        report("value", value)


def test_report_refuses_a_residual_without_a_magnitude():
    with pytest.raises(TypeError, match=r"value must .* got str"):
        report("gap", "small", residual_below=1e-6)


@pytest.mark.parametrize("below", ["x", True, [1e-6]])
def test_report_refuses_a_threshold_that_is_not_a_number(below):
    with pytest.raises(TypeError, match="residual_below must"):
        report("gap", 1e-9, residual_below=below)


@pytest.mark.parametrize("below", [0, -1e-6, float("nan"), float("inf")])
def test_report_refuses_a_threshold_that_is_not_positive(below):
    with pytest.raises(ValueError, match="residual_below must"):
        report("gap", 1e-9, residual_below=below)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (3e-10, "gap < 1e-6"),
        (0.0, "gap < 1e-6"),
        (-3e-10, "gap < 1e-6"),
        (9.9e-7, "gap < 1e-6"),
        (1e-6, "gap < 1e-5"),
        (2e-3, "gap < 1e-2"),
        (0.05, "gap < 1e-1"),
        (0.1, "gap = 0.1"),
        (0.25, "gap = 0.25"),
        (1.0, "gap = 1"),
        (-1e-3, "gap = -0.001"),
        (float("nan"), "gap = nan"),
        (float("inf"), "gap = inf"),
    ],
)
def test_gap_is_bounded_by_the_next_power_of_ten(gap, text):
    assert format_gap(gap) == text


def test_gap_is_written_as_finely_as_asked():
    assert format_gap(3e-10, finest=1e-9) == "gap < 1e-9"
    assert format_gap(3e-8, finest=1e-9) == "gap < 1e-7"
    assert format_gap(3e-8, finest=1e-3) == "gap < 1e-3"
