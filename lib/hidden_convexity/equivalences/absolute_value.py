"""Absolute value, phi(t) = |t|: the leaky ReLU of slope -1.

In the chamber of pattern D, |X u| = (2 D - I) X u. Since |X u| = |X(-u)|, opposite chambers hold
the same functions, and one of each pair is enough.
"""

from functools import partial

from hidden_convexity.equivalences import parts, trained

SLOPE = -1.0

table_row = parts.TableRow(
    name="absolute value",
    model=r"the first row with $2D_g - I$ for $D_g$, half the chambers",
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
