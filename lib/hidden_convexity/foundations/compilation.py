"""numba's `njit`, wherever compiled code can be kept and where it cannot, and never out of date.

Whoever has to wait for it is told once.
"""

import hashlib
import numbers
import threading
from time import perf_counter

import numba
from numba.core import event

from hidden_convexity.foundations.progress import say

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


# Seconds of compiling in one process before it is told what takes so long.
PATIENCE = 2.0
_TOLD = (
    "hidden_convexity: compiling what is called for the first time, {}; "
    "hidden_convexity.compile() does all of it beforehand, TQDM_DISABLE=1 silences this"
)
_ONCE = "once for all runs, half a minute at most"
_ALWAYS = (
    "in every process, as it cannot be kept: set NUMBA_CACHE_DIR to a folder that can be written"
)


class Waiting(event.Listener):
    """Tells on stderr, once a process, that functions of this library are being compiled.

    What is compiled within a compilation belongs to it. numba compiles one function at a time.

    Attributes
    ----------
    spent : float
        Seconds that have gone into it so far: no budget of a proof should pay for them.
    """

    def __init__(self):
        self.told, self.spent, self._depth = False, 0.0, 0

    def on_start(self, event):
        # Of a function that another library has made by exec there is no module.
        module = event.data["dispatcher"].py_func.__module__ or ""
        if self._depth or module.startswith("hidden_convexity."):
            self._depth += 1
        if self._depth == 1:
            kept = event.data["dispatcher"] in _sources
            self._timer = threading.Timer(PATIENCE - self.spent, self._tell, [kept])
            self._timer.daemon = True
            self._timer.start()
            self._began = perf_counter()

    def on_end(self, event):
        if self._depth == 1:
            self._timer.cancel()
            self.spent += perf_counter() - self._began
        self._depth = max(self._depth - 1, 0)

    def _tell(self, kept):
        if not self.told:
            self.told = True
            say(_TOLD.format(_ONCE if kept else _ALWAYS))


def working_seconds():
    """A clock that stands still while functions of this library are compiled."""
    return perf_counter() - waiting.spent


waiting = Waiting()
event.register("numba:compile", waiting)
