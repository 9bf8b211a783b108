"""Leaky ReLU, phi(t) = t for t > 0 and kappa t for t <= 0.

In the chamber of pattern D, phi(X u) = S X u with S = D + kappa (I - D). The activation is
positively homogeneous, so balancing, and with it the rest of Theorem 1, goes through unchanged.
"""

from functools import partial

from hidden_convexity.equivalences import parts, trained

SLOPE = 0.2

table_row = parts.TableRow(
    name="leaky ReLU",
    model=r"the first row with $D_g + \kappa(I - D_g)$ for $D_g$",
    signal="group Lasso",
    citation="[Ergen, Pilanci 2023](https://arxiv.org/abs/2312.12657)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="rank up to 6, any number of samples",
)
objective = parts.neurons_objective
convex_program = partial(parts.neurons_program, slope=SLOPE)
train = partial(trained.train_neurons, slope=SLOPE)
decode = parts.decode_neurons
sizes = parts.group_lengths
descend = partial(parts.descend_neurons, slope=SLOPE)
instance = partial(parts.line_instance, n=6, beta=0.2)
