"""Stacks of cells on other machines: explored by the workers of a Dask cluster, none ever lost.

A stack carries all that its exploration needs, and the value to beat goes with it, so workers keep
nothing. It stays here until its result is: whatever becomes of a worker, a cell is either bounded
or still open, and the bound is valid.
"""

import contextlib
import itertools

import numpy as np

import hidden_convexity
from hidden_convexity.oracle.stacks import STACKS
from hidden_convexity.oracle.threads import in_threads

# Stacks for each core between two meetings: while one is on its way another is explored.
STACKS_PER_CORE = 2
# Work, in products, below which a stack stays here: it takes 0.1 s, and a journey takes 0.01 s.
WORTH_SENDING = 4_000_000
# What has become of a stack, where neither a result nor the end of time has.
LOST = object()


def checked_client(client, proven=True):
    """Return None or a `distributed.Client`, or say what is wrong with it.

    Raises
    ------
    ImportError
        If distributed is not installed.
    TypeError
        If it is no client, or an asynchronous one.
    ValueError
        If nothing is to be proven for which cells are explored.
    """
    if client is None:
        return None
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "client= takes a client of Dask's distributed, which is not installed: "
            'pip install "hidden-convexity[cluster]"'
        ) from error
    if not isinstance(client, Client):
        raise TypeError(
            f"client must be a distributed.Client or None, got {type(client).__name__}; "
            "distributed.Client(address) makes one"
        )
    if client.asynchronous:
        raise TypeError("client must be synchronous, got distributed.Client(asynchronous=True)")
    if not proven:
        raise ValueError(
            "client must be None without a proof over all patterns, got one: its workers explore "
            "the cells of a proof"
        )
    return client


def stacks_at_once(client):
    """Stacks explored between two meetings; up to four cores, those that threads explore."""
    cores = 0 if client is None else sum(client.ncores().values())
    return max(STACKS, STACKS_PER_CORE * cores)


def explored(client, explore, stacks, limits, work, seconds):
    """What `explore(stack, *limits)` returns for each stack, by threads or by a cluster.

    Parameters
    ----------
    client : distributed.Client or None
        None: by threads of this process.
    explore : callable
        A function of a module of this library, which workers import.
    stacks : list of tuple of ndarray
    limits : tuple
    work : int
        Products that a stack is explored for, at most: little work is not sent.
    seconds : float
        How long to wait for a cluster.

    Returns
    -------
    list
        Results, in the order of the stacks. None for those that a cluster has not explored in time.

    Raises
    ------
    RuntimeError
        If a worker has another version of this library.
    """
    if client is None or work < WORTH_SENDING:
        return _in_threads(explore, stacks, limits)
    results = _from_workers(client, explore, stacks, limits, seconds)
    # The scheduler is gone, or several workers have died of it in a row: there is still this one.
    lost = [k for k, result in enumerate(results) if result is LOST]
    again = _in_threads(explore, [stacks[k] for k in lost], limits)
    for k, result in zip(lost, again, strict=True):
        results[k] = result
    return results


def _from_workers(client, explore, stacks, limits, seconds):
    """As `explored`, with LOST for stacks that the cluster has given up."""
    import dask
    from distributed import CancelledError, KilledWorker, wait
    from distributed.client import ClosedClientError
    from distributed.comm import CommClosedError

    gone = CancelledError, KilledWorker, ClosedClientError, CommClosedError
    asked = hidden_convexity.__version__, explore
    results, futures = [LOST] * len(stacks), []
    # A stack on its way is no graph that somebody should have made smaller.
    quiet = dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"})
    with quiet, contextlib.suppress(*gone):
        try:
            for stack in stacks:
                futures.append(client.submit(_on_worker, *asked, stack, limits, pure=False))
            with contextlib.suppress(TimeoutError, CancelledError):
                wait(futures, timeout=seconds)
            for k, future in enumerate(futures):
                if future.status == "pending":
                    results[k] = None
                else:
                    with contextlib.suppress(*gone):
                        results[k] = future.result()
        finally:
            client.cancel(futures)
    return results


def _in_threads(explore, stacks, limits):
    return in_threads(explore, stacks, *map(itertools.repeat, limits))


def _on_worker(version, explore, stack, limits):
    """The exploration of one stack, in a worker."""
    if version != hidden_convexity.__version__:
        raise RuntimeError(
            f"this worker has hidden-convexity {hidden_convexity.__version__}, who asks has "
            f"{version}; install the same version on all machines"
        )
    # What has arrived may not be writeable, and would be compiled for once more.
    return explore([np.require(array, requirements="CW") for array in stack], *limits)
