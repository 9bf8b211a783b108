"""numba's `njit`, wherever compiled code can be kept and where it cannot, and never out of date."""

import hashlib
import numbers

import numba

# What each cached function was made from.
_sources = {}


def njit(cache, **options):
    """A decorator like `numba.njit` that can go without a cache, and whose cache is never stale.

    With `cache=True` numba refuses to make a function, and so the library to be imported, if
    neither the package's folder nor the user's cache can be written: packages installed by somebody
    else, run in a container or by a service without a home. Compiling again in each process, which
    takes up to a minute, is the lesser evil.

    numba compiles a function again if its own file has changed, but what it calls and the constants
    it reads are compiled into it, whichever file they are from. Here it is again compiled as well
    if one that its module has imported has changed.
    """

    def compiled(function):
        if cache:
            try:
                made = numba.njit(cache=True, **options)(function)
            except RuntimeError:  # "no locator available"; nothing is compiled at this point
                pass
            else:
                file = made._cache._cache_file
                known = repr((file._source_stamp, _fixed(options)))
                file._source_stamp = _sources[made] = _source(known, function)
                return made
        return numba.njit(**options)(function)

    return compiled


def _fixed(options):
    """Options with sets in an order that is the same in every process."""
    return [(key, sorted(one) if isinstance(one, set) else one) for key, one in options.items()]


def _source(own, function):
    """A hash of what is known already, and of the compiled functions and numbers its module has."""
    known = hashlib.sha256(own.encode())
    for name, value in sorted(function.__globals__.items()):
        if isinstance(value, numbers.Number | tuple):
            known.update(f"{name}={value!r}".encode())
        elif isinstance(value, numba.core.dispatcher.Dispatcher):
            known.update(f"{name}={_sources.get(value)!r}".encode())
    return known.hexdigest()
