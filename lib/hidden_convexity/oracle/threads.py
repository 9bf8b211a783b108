"""Compiled work on as many threads as numba uses."""

from concurrent.futures import ThreadPoolExecutor

import numba


def in_threads(function, *arguments, worthwhile=True):
    """List of function(a, b, ...) for the a, b, ... of the arguments, as `map` pairs them.

    Parameters
    ----------
    function : callable
        Compiled, with the interpreter's lock released: or threads would wait for each other.
    arguments : iterables
    worthwhile : bool
        False where the work takes less time than starting threads, a few tenths of a millisecond.
    """
    count = numba.get_num_threads()
    if count == 1 or not worthwhile:
        return list(map(function, *arguments))
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(function, *arguments))
