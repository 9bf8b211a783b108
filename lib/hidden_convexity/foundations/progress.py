"""Progress bars, off unless asked for, and lines: none of them where TQDM_DISABLE is set."""

import os
import sys

from tqdm import tqdm

# Seconds before a bar shows: what ends sooner needs none.
DELAY = 1.0


def progress_bar(shown, **options):
    """A tqdm bar on stderr that is gone when it closes; it does nothing if not `shown`.

    Parameters
    ----------
    shown : bool
    options
        As tqdm takes them: desc, unit, total.
    """
    if silenced() or not shown:
        return _NoBar()
    return tqdm(delay=DELAY, leave=False, disable=False, **options)


class _NoBar:
    """What is asked of a bar, and does nothing: a disabled one of tqdm's takes as long to make and
    to close as half a step of a small training, and each step has its own."""

    n = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def update(self, n=1):
        pass

    def set_postfix_str(self, text, refresh=True):
        pass

    def close(self):
        pass


def silenced():
    """Whether TQDM_DISABLE is set: tqdm itself looks at it only once, when it is imported."""
    return os.environ.get("TQDM_DISABLE", "") not in ("", "0")


def say(line):
    """A line on stderr that no bar runs through, unless silenced."""
    if not silenced():
        tqdm.write(line, file=sys.stderr)
