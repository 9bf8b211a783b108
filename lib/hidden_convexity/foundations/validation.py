"""Checks of what a caller passes in, made once, at the door of each public object."""

import numbers

import numpy as np

# Training squares the weights, whose size is that of y / X, and multiplies X by y. With the
# largest entries of X and y in this range nothing of that leaves the range of floats, 1e-308 to
# 1e308: (1e75 / 1e-75)^2 = 1e300. Beyond, squares become 0 or inf, and bounds made of them lie.
SMALLEST, LARGEST = 1e-75, 1e75
# An activation that falls more steeply below zero than this has nothing left above: it is rounding.
STEEPEST_SLOPE = 1e6


def real_array(value, name, ndim):
    """Return a finite float64 array, or say what is wrong with it.

    Parameters
    ----------
    value : array_like
        What the caller passed.
    name : str
        The argument's name, for the message.
    ndim : int or tuple of int
        Accepted numbers of dimensions.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    TypeError
        If the entries are not real numbers (strings, objects, complex numbers), or of a kind that
        NumPy does not read (sparse matrices, tensors that require gradients, bfloat16).
    ValueError
        If the shape is ragged or has another number of dimensions, or an entry is not finite or
        masked.
    """
    accepted = (ndim,) if isinstance(ndim, int) else ndim
    array = _converted(value, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {array.dtype}; convert it to float first"
        )
    if array.ndim not in accepted:
        wanted = " or ".join(str(k) for k in accepted)
        raise ValueError(
            f"{name} must have {wanted} dimension(s), got shape {array.shape}; reshape it"
        )
    array = array.astype(np.float64)
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        raise ValueError(
            f"{name} has {bad} entries that are NaN or infinite; remove or impute them first"
        )
    return array


def _converted(value, name):
    """A NumPy array of a value whose entries are all there, or what to do to get one."""
    parts = value if isinstance(value, list | tuple) else [value]
    masked = [np.ma.getmaskarray(part) for part in parts if isinstance(part, np.ma.MaskedArray)]
    hidden = sum(int(mask.sum()) for mask in masked)
    if hidden:
        raise ValueError(
            f"{name} has {hidden} masked entries, which NumPy would turn into numbers; remove "
            f"their rows, or impute them: {name}.filled(value)"
        )
    if hasattr(value, "toarray"):  # SciPy's, which is not loaded for this
        raise TypeError(
            f"{name} must be a dense array, got {type(value).__name__}; pass {name}.toarray() if "
            "it fits in memory"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of real numbers: {error}") from error
    except (TypeError, RuntimeError) as error:  # tensors NumPy cannot read
        raise TypeError(
            f"{name} must be readable by NumPy, got {type(value).__name__}: "
            f"{str(error).rstrip('.')}. For a PyTorch tensor pass "
            f"{name}.detach().cpu().double().numpy()"
        ) from error
    if array.dtype == object and hasattr(value, "to_numpy"):  # pandas' and others' tables
        raise TypeError(
            f"{name} must hold real numbers, got a {type(value).__name__} of Python objects "
            "(entries are missing or text, or columns of nullable types); drop or impute what is "
            f"missing, then pass {name}.to_numpy(dtype=float)"
        )
    return array


def data_matrix(X, name="X"):
    """Return X as a finite (n, d) float64 array with n, d >= 1 (see `real_array`)."""
    X = real_array(X, name, ndim=2)
    if X.size == 0:
        raise ValueError(f"{name} must have at least one row and one column, got shape {X.shape}")
    return X


def read_only(array):
    """The array itself, not to be written to from now on."""
    array.setflags(write=False)
    return array


def optional_array(value, name, shape):
    """None, or a read-only float64 array of the shape (see `real_array`)."""
    if value is None:
        return None
    value = real_array(value, name, ndim=len(shape))
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
    return read_only(value)


def samples(X, name="X"):
    """Return X as a finite (n, d) or (n, K, d) float64 array, no length 0 (see `real_array`)."""
    X = real_array(X, name, ndim=(2, 3))
    if X.size == 0:
        raise ValueError(
            f"{name} must have at least one sample, one patch and one column, got shape {X.shape}"
        )
    return X


def of_moderate_size(array, name):
    """Return an array whose largest absolute entry is 0 or can be squared; else a ValueError."""
    largest = np.abs(array).max(initial=0.0)
    if largest > 0 and not SMALLEST <= largest <= LARGEST:
        raise ValueError(
            f"{name} must have its largest absolute entry between {SMALLEST:g} and {LARGEST:g}, "
            f"so that its squares can be represented, got {largest:.3g}; rescale it"
        )
    return array


def real_number(value, name):
    """Return a float, NaN and infinity included, or raise TypeError."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    return float(value)


def flag(value, name):
    """Return True or False, or raise TypeError."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def slope_below_one(value, name="slope"):
    """Return a float >= -1e6 and < 1, the slope of an activation below zero, or raise."""
    value = real_number(value, name)
    if not -STEEPEST_SLOPE <= value < 1:
        raise ValueError(
            f"{name} must be finite and < 1 (0 ReLU, 0.2 leaky ReLU, -1 absolute value), and at "
            f"least {-STEEPEST_SLOPE:g}, got {value!r}; at 1 the network is linear"
        )
    return value


def positive_number(value, name):
    """Return a finite, strictly positive float, or raise TypeError / ValueError."""
    value = real_number(value, name)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and > 0, got {value!r}")
    return value


def whole_number(value, name, minimum):
    """Return an int that is at least `minimum`, or raise TypeError / ValueError."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)
