"""numba's `njit`, wherever compiled code can be kept and where it cannot."""

import numba


def njit(cache, **options):
    """A decorator like `numba.njit` that goes on without a cache where there is no place for one.

    With `cache=True` numba refuses to make a function, and so the library to be imported, if
    neither the package's folder nor the user's cache can be written: packages installed by somebody
    else, run in a container or by a service without a home. Compiling again in each process, which
    takes about a minute, is the lesser evil.
    """

    def compiled(function):
        if cache:
            try:
                return numba.njit(cache=True, **options)(function)
            except RuntimeError:  # "no locator available"; nothing is compiled at this point
                pass
        return numba.njit(**options)(function)

    return compiled
