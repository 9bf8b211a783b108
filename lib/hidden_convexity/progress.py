"""Progress bars: off unless asked for, and off for everybody where TQDM_DISABLE is set."""

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
    # `disable` is given only to switch off: given at all, it overrules TQDM_DISABLE.
    off = {} if shown else {"disable": True}
    return tqdm(delay=DELAY, leave=False, **options, **off)
