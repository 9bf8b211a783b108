"""Signals keep their units and their order in time; nothing leaks from test to training."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import hidden_convexity as hc
from hidden_convexity.companion.datasets import (
    Signal,
    ecg,
    load_ecg,
    patches,
    pulse,
    split_in_time,
    standardise,
    windows,
)
from hidden_convexity.problem.data import with_bias

RECORDS = Path(__file__).parents[2] / ".." / "shared" / "data" / "physionet"
needs_wfdb = pytest.mark.skipif(
    importlib.util.find_spec("wfdb") is None, reason="wfdb is not installed"
)
needs_records = pytest.mark.skipif(
    not (RECORDS / "100.hea").exists(), reason="no PhysioNet records in ../shared/data/physionet"
)


# PyWavelets' signal


def test_ecg_claims_no_more_than_its_source():
    pytest.importorskip("pywt")
    signal = ecg()
    assert signal.values.shape == (1024,) and signal.values.dtype == float
    assert signal.rate is None and signal.unit is None
    assert repr(signal) == "Signal('PyWavelets ECG', 1024 samples, rate unknown, unit unknown)"


def test_ecg_hands_out_a_copy():
    pytest.importorskip("pywt")
    ecg().values[:] = 0
    assert ecg().values.any()


# HeartPy's signal


def test_pulse_beats_as_often_as_a_heart_does():
    """The file of which importing HeartPy is no part: that needs a module of old setuptools."""
    if importlib.util.find_spec("heartpy") is None:
        pytest.skip("HeartPy is not installed")
    signal = pulse()
    assert signal.values.shape == (68_476,) and 100 < signal.rate < 101
    values = signal.values - signal.values.mean()
    lags = np.arange(round(0.4 * signal.rate), round(1.5 * signal.rate))
    beat = lags[np.argmax([values[:-lag] @ values[lag:] for lag in lags])] / signal.rate
    assert 0.5 < beat < 1.0
    assert "heartpy" not in sys.modules


@pytest.mark.parametrize(
    ("module", "call"),
    [("pywt", ecg), ("heartpy", pulse), ("wfdb", lambda: load_ecg("100"))],
)
def test_missing_package_says_what_to_install(monkeypatch, module, call):
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "hidden-convexity\[notebooks\]"'):
        call()


# PhysioNet records


@needs_wfdb
@needs_records
def test_load_ecg_reads_physical_units_of_mit_bih_100():
    signal = load_ecg(RECORDS / "100", seconds=2)
    # The header: lead MLII starts at 995, with baseline 1024 and 200 units per mV.
    assert signal.values[0] == (995 - 1024) / 200
    assert signal.values.shape == (720,)
    assert (signal.rate, signal.unit, signal.name) == (360.0, "mV", "100 (MLII)")
    assert repr(signal) == "Signal('100 (MLII)', 720 samples, 360 Hz, mV)"


@needs_wfdb
@needs_records
def test_load_ecg_reads_the_whole_record():
    assert load_ecg(RECORDS / "100").values.shape == (650_000,)


@needs_wfdb
@needs_records
def test_load_ecg_cuts_the_stretch_asked_for():
    whole = load_ecg(RECORDS / "100", seconds=10).values
    part = load_ecg(str(RECORDS / "100"), start=4, seconds=1.5).values
    np.testing.assert_array_equal(part, whole[4 * 360 : 4 * 360 + 540])


@needs_wfdb
@needs_records
def test_load_ecg_takes_leads_by_name_number_and_list_in_the_order_given():
    both = load_ecg(RECORDS / "s0010_re", channel=["v1", 0], seconds=1)
    assert both.values.shape == (1000, 2)
    assert both.name == "s0010_re (v1, i)"
    np.testing.assert_array_equal(
        both.values[:, 0], load_ecg(RECORDS / "s0010_re", channel="v1", seconds=1).values
    )
    np.testing.assert_array_equal(
        both.values[:, 1], load_ecg(RECORDS / "s0010_re", channel=0, seconds=1).values
    )


@needs_wfdb
@needs_records
def test_load_ecg_reads_leads_stored_in_different_files():
    signal = load_ecg(RECORDS / "s0010_re", channel=["i", "vx"], seconds=1)
    assert signal.values.shape == (1000, 2) and signal.values.std(axis=0).all()


@needs_wfdb
@needs_records
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channel": "V6"}, r"channel must be one of MLII, V5 .* got 'V6'"),
        ({"channel": 2}, r"channel must be one of MLII, V5 or a number from 0 to 1, got 2"),
        ({"channel": -1}, r"channel must be .* got -1"),
        ({"channel": []}, r"channel must name at least one"),
        ({"start": -1}, r"start must be inside the record.* got -1"),
        ({"start": 1e6}, r"start must be .* lasts 1805"),
        ({"start": float("nan")}, r"start must .* got nan"),
        ({"seconds": 0}, r"seconds must .* got 0"),
        ({"seconds": float("nan")}, r"seconds must .* got nan"),
        (
            {"start": 1800, "seconds": 60},
            r"seconds must end within the record.* got 60 s from 1800",
        ),
    ],
)
def test_load_ecg_names_the_argument_that_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_ecg(RECORDS / "100", **arguments)


@needs_wfdb
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channel", None),
        ("channel", 1.5),
        ("channel", True),
        ("channel", [0, None]),
        ("start", "a"),
        ("start", None),
        ("seconds", "3"),
        ("seconds", [3]),
    ],
)
def test_load_ecg_names_the_argument_of_another_kind(tmp_path, name, value):
    import wfdb

    values = np.sin(np.arange(200) / 7)[:, None]
    wfdb.wrsamp("one", 100, ["mV"], ["II"], p_signal=values, fmt=["16"], write_dir=str(tmp_path))
    with pytest.raises(TypeError, match=f"^{name} must"):
        load_ecg(tmp_path / "one", **{name: value})


@needs_wfdb
def test_load_ecg_names_the_record_that_is_not_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"record .*nowhere\.hea.*without an extension.*pn_dir"
    ):
        load_ecg(tmp_path / "nowhere")


@needs_wfdb
def test_load_ecg_says_how_many_samples_are_missing_and_where(tmp_path):
    import wfdb

    values = np.sin(np.arange(200) / 7)[:, None]
    values[50:60] = np.nan
    wfdb.wrsamp("gap", 100, ["mV"], ["II"], p_signal=values, fmt=["16"], write_dir=str(tmp_path))
    with pytest.raises(
        ValueError, match=r"10 of 200 samples of lead II missing, the first at 0\.5 s"
    ):
        load_ecg(tmp_path / "gap")
    with pytest.raises(
        ValueError, match=r"8 of 148 samples of lead II missing, the first at 0\.52 s"
    ):
        load_ecg(tmp_path / "gap", start=0.52)
    assert load_ecg(tmp_path / "gap", start=0.6).values.shape == (140,)


@needs_wfdb
def test_load_ecg_does_not_put_two_units_in_one_array(tmp_path):
    import wfdb

    values = np.column_stack([np.sin(np.arange(50)), 80 + np.cos(np.arange(50))])
    wfdb.wrsamp(
        "two",
        100,
        ["mV", "mmHg"],
        ["II", "ABP"],
        p_signal=values,
        fmt=["16", "16"],
        write_dir=str(tmp_path),
    )
    with pytest.raises(ValueError, match="II in mV, ABP in mmHg"):
        load_ecg(tmp_path / "two", channel=[0, 1])
    assert load_ecg(tmp_path / "two", channel="ABP").unit == "mmHg"


def record(folder, name, *lines, count=1920):
    """A local record of this header whose samples are 0, 1, 2, ... steps."""
    (folder / f"{name}.hea").write_text("\n".join([f"{name}{lines[0]}", *lines[1:]]) + "\n")
    np.arange(count).astype("<i2").tofile(folder / f"{name}.dat")
    return folder / name


LEAD = "one.dat 16 200/mV 16 0 0 0 0 II"


@needs_wfdb
def test_load_ecg_gives_every_sample_of_a_frame_not_their_averages(tmp_path):
    path = record(tmp_path, "one", " 1 1 30", "one.dat 16x64 200/mV 16 0 0 0 0 ECG")
    signal = load_ecg(path)
    assert signal.rate == 64 and signal.values.shape == (1920,)
    np.testing.assert_allclose(signal.values, np.arange(1920) / 200)
    # Neither end of this stretch is the end of a frame.
    part = load_ecg(path, start=0.5, seconds=1.25)
    np.testing.assert_allclose(part.values, signal.values[32:112])


@needs_wfdb
def test_load_ecg_reads_leads_of_two_rates_one_at_a_time(tmp_path):
    lines = [LEAD.replace("16 200", "16x2 200"), LEAD.replace("II", "V1")]
    path = record(tmp_path, "one", " 2 10 30", *lines, count=90)
    assert [load_ecg(path, channel=lead).rate for lead in ("II", "V1")] == [20, 10]
    assert len(load_ecg(path, channel="II").values) == 60
    with pytest.raises(ValueError, match="leads of one rate, got 20 Hz, 10 Hz"):
        load_ecg(path, channel=[0, 1])


@needs_wfdb
@pytest.mark.parametrize(
    ("lines", "rate", "unit", "name"),
    [
        ([" 1 100", LEAD], 100, "mV", "one (II)"),
        ([" 1", LEAD], 250, "mV", "one (II)"),
        ([" 1 100 1920", "one.dat 16 200/mV"], 100, "mV", "one (lead 0)"),
        ([" 1 100 1920", "one.dat 16 0/mV 16 0 0 0 0 II"], 100, None, "one (II)"),
        ([" 1 100 1920", "one.dat 16"], 100, None, "one (lead 0)"),
    ],
    ids=["no length", "no frequency", "no description", "gain 0", "no gain"],
)
def test_load_ecg_reads_headers_that_leave_fields_out(tmp_path, lines, rate, unit, name):
    signal = load_ecg(record(tmp_path, "one", *lines))
    assert (signal.rate, signal.unit, signal.name) == (rate, unit, name)
    np.testing.assert_allclose(signal.values, np.arange(1920) / 200)


@needs_wfdb
@pytest.mark.parametrize(
    ("lines", "channel", "message"),
    [
        ([" 1 100 0", LEAD], 0, "record has length 0 .* delete the 0"),
        ([" 1 0 1920", LEAD], 0, "record has sampling frequency 0"),
        ([" 0 100 1920"], 0, "record has no signals"),
        ([" 1 100 4000", LEAD], 0, "does not fit its header"),
        ([" 2 100 960", LEAD, LEAD], "II", "a number for 'II', .* several leads: 0 or 1"),
        ([" 2 100 960", LEAD, "one.dat 16"], "V1", "one of II or a number from 0 to 1, got 'V1'"),
    ],
)
def test_load_ecg_says_in_a_sentence_what_a_header_lacks(tmp_path, lines, channel, message):
    with pytest.raises(ValueError, match=message):
        load_ecg(record(tmp_path, "one", *lines), channel=channel)


@needs_wfdb
def test_load_ecg_reads_around_null_segments(tmp_path):
    record(tmp_path, "one", " 1 100 500", LEAD, count=500)
    whole = tmp_path / "whole"
    whole.with_suffix(".hea").write_text("whole/3 1 100 1100\n~ 100\none 500\none 500\n")
    assert load_ecg(whole, start=1).values.shape == (1000,)
    with pytest.raises(ValueError, match="null segment, without samples, from 0 s to 1 s"):
        load_ecg(whole)
    whole.with_suffix(".hea").write_text("whole/2 1 100\none 500\none 500\n")
    with pytest.raises(ValueError, match="write 1000, the sum of its segments"):
        load_ecg(whole)
    whole.with_suffix(".hea").write_text("whole/1 1 100 100\n~ 100\n")
    with pytest.raises(ValueError, match=r"every segment of .* is null"):
        load_ecg(whole)


@needs_wfdb
def test_load_ecg_names_the_signal_file_that_is_not_there(tmp_path):
    (tmp_path / "one.hea").write_text(f"one 1 100 1920\n{LEAD}\n")
    with pytest.raises(FileNotFoundError, match=r"one\.dat; put it beside the header"):
        load_ecg(tmp_path / "one")


# From a signal to X, y


def test_windows_predict_the_sample_horizon_steps_after_the_last_one_seen():
    X, y = windows([10, 11, 12, 13, 14, 15], order=3)
    np.testing.assert_array_equal(X, [[10, 11, 12], [11, 12, 13], [12, 13, 14]])
    np.testing.assert_array_equal(y, [13, 14, 15])
    X, y = windows([10, 11, 12, 13, 14, 15], order=3, horizon=3)
    np.testing.assert_array_equal(X, [[10, 11, 12]])
    np.testing.assert_array_equal(y, [15])


@pytest.mark.parametrize(("order", "horizon"), [(1, 1), (4, 1), (2, 5)])
def test_windows_of_a_linear_recurrence_are_fitted_exactly(order, horizon):
    ramp = 3.0 + 0.5 * np.arange(40)
    X, y = windows(ramp, order, horizon)
    assert X.shape == (40 - order - horizon + 1, order) and y.shape == (len(X),)
    np.testing.assert_allclose(X[:, -1] + 0.5 * horizon, y)


def test_windows_own_their_memory():
    values = np.arange(6.0)
    X, y = windows(values, 2)
    X[:] = y[:] = -1
    np.testing.assert_array_equal(values, np.arange(6))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 3], 0), "order must"),
        (([1, 2, 3], -1), "order must"),
        (([1, 2, 3], 1.5), "order must"),
        (([1, 2, 3], True), "order must"),
        (([1, 2, 3], 1, 0), "horizon must"),
        (([1, 2, 3], 3), r"values must have at least order \+ horizon = 4 samples, got 3"),
        (([], 1), "values must"),
        (([[1, 2], [3, 4]], 1), "values must"),
        (([1, np.nan, 3, np.inf], 1), "values has 2 entries that are NaN"),
        ((["a", "b"], 1), "values must hold real numbers"),
        (([1j, 2, 3], 1), "values must hold real numbers"),
    ],
)
def test_windows_name_the_argument_that_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        windows(*arguments)


def test_split_keeps_the_order_of_time():
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    X_train, X_test, y_train, y_test = split_in_time(X, y, fraction=0.7)
    np.testing.assert_array_equal(np.vstack([X_train, X_test]), X)
    np.testing.assert_array_equal(y_train, np.arange(7))
    np.testing.assert_array_equal(y_test, [7, 8, 9])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 1)), np.ones(2)), "y must"),
        ((np.ones((4, 1)), np.ones(4), 0), "fraction must"),
        ((np.ones((4, 1)), np.ones(4), 1.0), "fraction must"),
        ((np.ones((4, 1)), np.ones(4), np.nan), "fraction must"),
        ((np.ones((1, 1)), np.ones(1)), "fraction must .* empty"),
        ((np.ones((4, 1)), np.ones(4), "a"), "fraction must"),
        ((np.full((4, 1), np.nan), np.ones(4)), "X has 4 entries that are NaN"),
        ((np.ones((4, 1)), list("abcd")), "y must hold real numbers"),
    ],
)
def test_split_names_the_argument_that_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        split_in_time(*arguments)


def test_standardise_gives_the_training_part_mean_zero_and_unit_variance():
    train = np.random.default_rng(0).normal(5, [1, 10, 100], (50, 3))
    (standard,) = standardise(train)
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standard.std(axis=0), 1)


def test_standardise_looks_at_the_training_part_only():
    rng = np.random.default_rng(1)
    train, test = rng.normal(size=(20, 2)), rng.normal(size=(5, 2))
    alone, moved = standardise(train, test)
    again, other = standardise(train, 100 + 10 * test)
    np.testing.assert_array_equal(alone, again)
    np.testing.assert_allclose(other - other[0], 10 * (moved - moved[0]))


def test_standardise_takes_vectors():
    train, test = standardise([0.0, 2.0], [3.0])
    np.testing.assert_array_equal(train, [-1, 1])
    np.testing.assert_array_equal(test, [2])


@pytest.mark.parametrize("value", [1.0, 0.1, 0.0, -1e9])
def test_standardise_refuses_to_erase_a_constant_column(value):
    train = np.column_stack([np.arange(7.0), np.full(7, value)])
    with pytest.raises(ValueError, match=r"train must not be constant in column 1.*with_bias"):
        standardise(train)


def test_standardise_treats_columns_constant_up_to_roundoff_as_constant():
    with pytest.raises(ValueError, match="train must not be constant"):
        standardise([0.1 + 0.2, 0.3, 0.3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 2, 2)),), "train must"),
        (([1.0, np.nan],), "train has 1 entries that are NaN"),
        (([[1.0, 2], [3, 5]], [[1.0, 2, 3]]), r"others must have its columns.*\(1, 3\)"),
        (([1.0, 2], [np.inf]), r"others\[0\] has 1 entries"),
    ],
)
def test_standardise_names_the_argument_that_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        standardise(*arguments)


def test_bias_is_the_last_column():
    np.testing.assert_array_equal(with_bias([[2.0, 3.0]]), [[2, 3, 1]])
    np.testing.assert_array_equal(with_bias([2.0, 3.0]), [[2, 1], [3, 1]])
    for bad in (np.ones((2, 2, 2)), [], np.ones((0, 2)), np.ones((2, 0))):
        with pytest.raises(ValueError, match="X must"):
            with_bias(bad)


def test_signal_prints_as_one_line():
    signal = Signal(np.zeros((5, 2)), 250.0, "mV", "two leads", "nowhere")
    assert repr(signal) == "Signal('two leads', 5 samples, 2 leads, 250 Hz, mV)"


# Patches for convolutional networks


@pytest.mark.parametrize("basis", [None, "dct", "pca"])
@pytest.mark.parametrize("shape", [(4, 20), (3, 6, 7)])
def test_filters_see_what_the_network_sees(shape, basis):
    """The product of a filter with a patch is that of its weights with the coordinates."""
    rng = np.random.default_rng(0)
    samples, rank = rng.normal(size=shape), None if basis is None else 2
    cut = patches(samples, 3, basis, rank, bias=True)
    weights = rng.normal(size=(5, cut.X.shape[2]))
    filters = cut.filters(weights)
    assert filters.shape == (5, *(3,) * (len(shape) - 1))
    first = samples[0, :3] if len(shape) == 2 else samples[0, :3, :3]
    seen = filters.reshape(5, -1) @ first.ravel() + weights[:, -1]
    np.testing.assert_allclose(cut.X[0, 0] @ weights.T, seen, atol=1e-12)
    counts = {2: 18, 3: 20}[len(shape)]
    assert cut.X.shape[:2] == (shape[0], counts)
    norms = np.linalg.norm(filters.reshape(5, -1), axis=1)
    np.testing.assert_allclose(norms, np.linalg.norm(weights[:, :-1], axis=1))


@pytest.mark.slow
def test_long_filters_in_few_atoms_are_proven():
    """In four atoms a filter of 32 samples is a vector of R^4, its objective that of its taps."""
    rng = np.random.default_rng(0)
    signals, y = rng.normal(size=(8, 40)).cumsum(axis=1), rng.normal(size=8)
    cut = patches(signals, 32, "dct", 4)
    problem = hc.TrainingProblem(cut.X, y, 0.2 * hc.beta_max(cut.X, y))
    solution = hc.train(problem, tol=1e-3)
    assert solution.scope == "global" and solution.gap <= 1e-3 and len(solution.network) > 0
    filters = cut.filters(solution.network.hidden_weights)
    network = solution.network.with_neurons(filters, solution.network.output_weights)
    taps = hc.TrainingProblem(patches(signals, 32).X, y, problem.beta)
    np.testing.assert_allclose(taps.objective(network), solution.objective)
    # More atoms are more filters: their optimum can't be above the one of four.
    more = patches(signals, 32, "dct", 5)
    wider = hc.train(hc.TrainingProblem(more.X, y, problem.beta), tol=1e-3)
    assert wider.lower_bound <= solution.objective


def test_the_first_atoms_are_the_slow_ones_and_the_large_ones():
    rng = np.random.default_rng(0)
    ramps = np.linspace(0, 1, 30) * rng.normal(size=(5, 1))
    np.testing.assert_allclose(patches(ramps, 8, "dct", 1).atoms[:, 0], 8**-0.5)
    cut = patches(ramps, 8, "pca", 2)  # all patches of ramps are constants plus ramps
    full = patches(ramps, 8)
    np.testing.assert_allclose(cut.X @ cut.atoms.T, full.X, atol=1e-12)
    assert np.abs(cut.X[..., 0]).mean() > np.abs(cut.X[..., 1]).mean()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"length": 0}, "length"),
        ({"length": 21}, "length"),
        ({"basis": "wavelets", "rank": 2}, "basis"),
        ({"basis": "dct"}, "rank"),
        ({"rank": 2}, "rank"),
        ({"basis": "pca", "rank": 4}, "rank"),
        ({"bias": 1}, "bias"),
        ({"samples": np.full((2, 5), np.nan)}, "samples"),
    ],
)
def test_patches_say_what_is_wrong(arguments, named):
    with pytest.raises((TypeError, ValueError), match=rf"\b{named}\b"):
        patches(**({"samples": np.ones((4, 20)), "length": 3} | arguments))
