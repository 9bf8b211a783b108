"""SGD, Adam and L-BFGS on the non-convex objective P, with its curve against time and test error.

Weight decay is part of the objective, the start does not know the optimum, and what is recorded is
recomputed on all samples outside the clock, which counts processor time. Each learning rate falls
to zero along half a cosine. L-BFGS is SciPy's on PyTorch's gradients: PyTorch's own was seen to
stall early, far above the others.

`beside` is how sweeps of test errors set Adam beside a certified network.
"""

import time
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import minimize

from hidden_convexity.solvers.descent import adam

RECORDS = 20
# Gradients taken: all are full-batch but SGD's, which are those of a tenth of the samples.
STEPS = {"sgd": 3_000, "adam": 2_000, "lbfgs": 2_000}
BATCH_SHARE, MOMENTUM, MEMORY = 0.1, 0.9, 20
# Learning rates by width, the best inside each grid. The curvature grows with the width, and SGD
# diverges at ever smaller rates.
RATES = {
    "sgd": {2: (0.01, 0.03, 0.1), 10: (0.01, 0.03, 0.1), 100: (0.02, 0.05, 0.1)},
    "adam": {2: (0.03, 0.1, 0.3), 10: (0.03, 0.1, 0.3), 100: (0.03, 0.1, 0.3)},
    # It has none: its line search chooses.
    "lbfgs": {2: (0.0,), 10: (0.0,), 100: (0.0,), 500: (0.0,)},
}
RATES["sgd"] |= {500: (0.004, 0.008, 0.016)}
RATES["adam"] |= {500: (0.02, 0.05, 0.1)}

# Beside a certified network: neurons, seeds, steps and the learning rate at the first one.
NEURONS, SEEDS, STEPS_BESIDE, RATE = 100, 5, 2_000, 0.05


def beside(validated):
    """Adam on the problem of a `choice.Validated` network: another one, chosen likewise.

    Of all seeds the network of least validation error is kept; `least_objective` is the least of
    any.
    """
    runs = adam(validated.problem, NEURONS, range(SEEDS), STEPS_BESIDE, RATE)
    kept = min(runs, key=lambda one: validated.loss(one.network))
    facts = {
        "share": validated.facts["share"],
        "least_objective": min(one.objective for one in runs),
        "objective": kept.objective,
        "neurons": NEURONS,
    }
    return replace(validated, network=kept.network, facts=facts)


def train(A, Y, beta, optimiser, rate, width, seed, loss="squared", steps=None):
    """Train one network; return (seconds, objective) records, weights W (m, d) and V (m, c).

    The learning rate of SGD is in units of one over the number of samples, as if the loss were a
    mean. Diverged runs have objectives that are not finite. Steps are STEPS unless given.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    n, d = A.shape
    A, Y = torch.tensor(A), torch.tensor(Y)
    Y = Y[:, None] if loss == "squared" else Y
    outputs = 1 if loss == "squared" else int(Y.max()) + 1
    W = torch.tensor(rng.normal(scale=np.sqrt(2 / d), size=(width, d)), requires_grad=True)
    V = rng.normal(scale=np.sqrt(2 / width), size=(width, outputs))
    V = torch.tensor(V, requires_grad=True)

    def objective(rows, share=1.0):
        outputs = (A[rows] @ W.T).clamp(min=0) @ V
        if loss == "squared":
            value = (outputs - Y[rows]).square().sum() / 2
        else:
            value = torch.nn.functional.cross_entropy(outputs, Y[rows], reduction="sum")
        return value / share + beta / 2 * (W.square().sum() + V.square().sum())

    everything, steps = slice(None), steps or STEPS[optimiser]
    if optimiser == "lbfgs":
        return _lbfgs(W, V, lambda: objective(everything), steps)
    if optimiser == "sgd":
        tool = torch.optim.SGD([W, V], lr=rate / n, momentum=MOMENTUM)
    else:
        tool = torch.optim.Adam([W, V], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(tool, T_max=steps)
    recorded = set(np.unique(np.geomspace(1, steps, RECORDS).astype(int)).tolist())
    with torch.no_grad():
        curve = [(0.0, objective(everything).item())]
    spent, size = 0.0, max(round(BATCH_SHARE * n), 1)
    start = time.process_time()
    for step in range(1, steps + 1):
        rows = torch.tensor(rng.integers(n, size=size)) if optimiser == "sgd" else everything
        share = size / n if optimiser == "sgd" else 1.0

        def closure(rows=rows, share=share):
            tool.zero_grad()
            value = objective(rows, share)
            value.backward()
            return value

        tool.step(closure)
        schedule.step()
        if step in recorded:
            spent += time.process_time() - start
            with torch.no_grad():
                curve.append((spent, objective(everything).item()))
            if not np.isfinite(curve[-1][1]):
                break
            start = time.process_time()
    return curve, W.detach().numpy(), V.detach().numpy()


def _lbfgs(W, V, objective, steps):
    """The same by L-BFGS, until it finds no descent any more."""
    curve, start = [(0.0, objective().item())], time.process_time()
    split = W.numel()

    def at(weights):
        with torch.no_grad():
            W.copy_(torch.tensor(weights[:split]).reshape(W.shape))
            V.copy_(torch.tensor(weights[split:]).reshape(V.shape))

    def value_and_gradient(weights):
        at(weights)
        value = objective()
        gradients = torch.autograd.grad(value, [W, V])
        return value.item(), np.concatenate([each.numpy().ravel() for each in gradients])

    def record(intermediate_result):
        curve.append((time.process_time() - start, float(intermediate_result.fun)))

    first = np.concatenate([each.detach().numpy().ravel() for each in (W, V)])
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": MEMORY, "ftol": 1e-12, "gtol": 1e-9}
    found = minimize(
        value_and_gradient, first, jac=True, method="L-BFGS-B", callback=record, options=options
    )
    at(found.x)
    chosen = np.unique(np.geomspace(1, len(curve), RECORDS).astype(int)) - 1
    return [curve[k] for k in chosen], W.detach().numpy(), V.detach().numpy()
