"""Fewer neurons with the same outputs, by steps along linear dependences that each remove one."""

import numpy as np

# Unit columns are independent if their smallest singular value is above this share of the largest.
INDEPENDENT = 1e-10
# Pruning has removed a neuron of which no more than this share is left.
LEFT_OVER = 1e-12


def pruning_scale(network, X):
    """Factors (m,) >= 0 for the neurons of a balanced network, most of them 0.

    With |a_j| w_j multiplied by its factor, the outputs on X are the same, the penalty is no
    larger, and the contributions of the neurons whose factor is not 0 are linearly independent.
    """
    features = network.activations(X)
    outputs = np.atleast_2d(network.output_weights.T).T
    contributions = features[:, None, :] * outputs.T
    contributions = contributions.reshape(len(X) * outputs.shape[1], len(network))
    size = np.linalg.norm(contributions, axis=0)
    alive = np.flatnonzero(size > 0)
    scale = np.zeros(len(network))
    scale[alive] = independent_scale(
        contributions[:, alive] / size[alive],
        size[alive],
        (network.hidden_weights[alive] ** 2).sum(axis=1),
    )
    return scale


def independent_scale(columns, size, cost):
    """Non-negative scales s with sum s_j size_j columns_j kept, sum s_j cost_j not increased,
    and the columns with s_j > 0 linearly independent.

    In t = s * size the constraint is `columns @ t` fixed, so each null vector of the remaining
    columns, signed so that the cost does not rise, is followed until a scale reaches zero. One
    null vector is found in any rank + 1 columns, hence the columns are taken up one at a time.
    """
    scaled = size.copy()
    price = cost / size
    basis = []
    for candidate in np.argsort(-price, kind="stable"):
        chosen = [*basis, candidate]
        _, singular, right = np.linalg.svd(columns[:, chosen], full_matrices=True)
        if len(singular) == len(chosen) and singular[-1] > INDEPENDENT * singular[0]:
            basis = chosen
            continue
        null = right[-1]
        if price[chosen] @ null > 0:
            null = -null
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(null < 0, scaled[chosen] / -null, np.inf)
        leaves = int(steps.argmin())
        scaled[chosen] = np.maximum(scaled[chosen] + steps[leaves] * null, 0.0)
        scaled[chosen[leaves]] = 0.0
        # Others that leave at the same time miss zero by rounding.
        left_over = [index for index in chosen if scaled[index] <= LEFT_OVER * size[index]]
        scaled[left_over] = 0.0
        basis = [index for index in chosen if scaled[index] > 0]
    return scaled / size
