"""From an answer to one line: not attempted, wrong and what is violated, or right."""

import contextlib
import copy
import importlib
import importlib.util
import io
import re
import warnings
from numbers import Real

import numpy as np

# Longer texts, from an exception in an answer for instance, are cut: a verdict is one line.
LONGEST = 160

_EXERCISES = {}


class NotAttempted(Exception):
    """The answer still is the stub."""


class Violated(Exception):
    """The answer is wrong; the message says which property it lacks."""


def exercise(number):
    """Register a check, a function of an `Answer` and a random generator, under "NN.k"."""

    def register(test):
        _EXERCISES[number] = test
        return test

    return register


def check(number, answer):
    """Print on one line whether an answer is right: ``02.1: right``.

    Parameters
    ----------
    number : str
        The exercise, "NN.k": exercise k of notebook NN.
    answer : callable
        The function that the exercise asks for. ``...`` or None, and a function that returns
        ``...``, mean that the exercise is not attempted yet.

    Notes
    -----
    Nothing is raised, whatever the answer does, so that a notebook runs to its end. The data are
    drawn from a seed of their own: the same answer always gets the same line.
    """
    print(f"{_one_line(number)}: {_one_line(_verdict(number, answer))}")


def require(condition, message):
    """Raise `Violated` with a message for the reader unless the condition holds."""
    if not condition:
        raise Violated(message)


class Answer:
    """A reader's function, called without risk: whatever goes wrong in it is `Violated`.

    The methods call it and check the form of what it returns: `number` gives a finite float,
    `count` an int, `truth` a bool, `array` and `arrays` finite arrays of float64.
    """

    def __init__(self, function):
        if function is None or function is ...:
            raise NotAttempted
        require(callable(function), f"the answer must be a function, got {_kind(function)}")
        self._function = function

    def __call__(self, *arguments):
        try:
            # Copies, for a function may write into its arguments.
            returned = self._function(*copy.deepcopy(arguments))
        except (Exception, SystemExit) as error:
            raise Violated(f"your function raised {_description(error)}") from None
        if returned is ...:
            raise NotAttempted
        require(returned is not None, "your function returned nothing: is there a return?")
        return returned

    def number(self, *arguments):
        value = _scalar(self(*arguments))
        fits = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
        require(fits, f"your function must return a number, got {_kind(value)}")
        require(np.isfinite(value), f"your function must return a finite number, got {value}")
        return float(value)

    def count(self, *arguments):
        value = self.number(*arguments)
        require(value == int(value), f"your function must return a whole number, got {value:.4g}")
        return int(value)

    def truth(self, *arguments):
        value = _scalar(self(*arguments))
        fits = isinstance(value, bool | np.bool_)
        require(fits, f"your function must return True or False, got {_kind(value)}")
        return bool(value)

    def array(self, *arguments, shape):
        return _array(self(*arguments), shape, "your function must return")

    def arrays(self, *arguments, shapes):
        values = self(*arguments)
        fits = isinstance(values, tuple | list) and len(values) == len(shapes)
        require(fits, f"your function must return {len(shapes)} arrays, got {_kind(values)}")
        return [
            _array(value, shape, f"array {k} that your function returns must be")
            for k, (value, shape) in enumerate(zip(values, shapes, strict=True), start=1)
        ]


def _verdict(number, answer):
    test = _find(number)
    if test is None:
        return 'there is no exercise of this number; an example of a number is "02.1"'
    chapter, _, exercise_of_chapter = number.partition(".")
    rng = np.random.default_rng([int(chapter), int(exercise_of_chapter)])
    try:
        with _quietly():
            test(Answer(answer), rng)
    except NotAttempted:
        return "not attempted"
    except Violated as violated:
        return f"wrong: {violated}"
    except Exception as error:  # a check that meets what it was not written for; never the reader's
        return f"wrong: your answer can't be checked, {_description(error)}"
    return "right"


def _find(number):
    """The check of an exercise, or None; the chapter's module is imported when first needed."""
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]{2}\.[1-9]", number):
        return None
    chapter = f"hidden_convexity.companion.exercises.chapter{number[:2]}"
    if importlib.util.find_spec(chapter) is None:
        return None
    importlib.import_module(chapter)
    return _EXERCISES.get(number)


@contextlib.contextmanager
def _quietly():
    """The verdict is all that is printed: no output of the reader's function, no warnings."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
        np.errstate(all="ignore"),
    ):
        yield


def _array(value, shape, words):
    """A finite float64 array of a shape, in which None stands for any length."""
    wanted = "(" + ", ".join("any" if k is None else str(k) for k in shape) + ")"
    try:
        array = np.asarray(value)
    except ValueError:
        raise Violated(f"{words} an array of shape {wanted}, got a ragged {_kind(value)}") from None
    require(array.dtype.kind in "biuf", f"{words} an array of real numbers, got {_kind(value)}")
    fits = array.ndim == len(shape) and all(
        k in (None, size) for k, size in zip(shape, array.shape, strict=True)
    )
    require(fits, f"{words} an array of shape {wanted}, got shape {array.shape}")
    require(np.isfinite(array).all(), f"{words} a finite array, got NaN or infinite entries")
    return array.astype(np.float64)


def _scalar(value):
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _kind(value):
    return type(value).__name__


def _description(error):
    try:
        return f"{_kind(error)}: {error}" if str(error) else _kind(error)
    except Exception:  # an exception of the reader's whose text can't be had
        return _kind(error)


def _one_line(text):
    """One line of bounded length, without addresses of objects, which change with each run."""
    if not isinstance(text, str):
        return _kind(text)
    line = " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
