"""Progress bars: off unless asked for, and off for everybody where TQDM_DISABLE is set."""

import os

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
    # Said outright: tqdm itself looks at the variable only once, when it is imported.
    silenced = os.environ.get("TQDM_DISABLE", "") not in ("", "0")
    return tqdm(delay=DELAY, leave=False, disable=silenced or not shown, **options)
