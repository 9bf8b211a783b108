"""Two-layer ReLU network with weight decay: Theorem 1.

A neuron a (X w)_+ may be rescaled to any ||w|| = |a|, which is where its share of the penalty,
(beta/2)(||w||^2 + a^2) >= beta |a| ||w||, is least. With u = |a| w and D the pattern of u it is
the linear function +-D X u on the cone of its chamber, at the price beta ||u||. Neurons of one
chamber and sign add up, and by the triangle inequality their sum costs no more.
"""

from functools import partial

from hidden_convexity.equivalences import parts, trained

table_row = parts.TableRow(
    name="ReLU, two layers",
    model=r"$\frac12\|\sum_g D_g X(u_g - v_g) - y\|^2 + \beta\sum_g(\|u_g\| + \|v_g\|)$, "
    "cones",
    signal="group Lasso",
    citation="[Pilanci, Ergen 2020](https://arxiv.org/abs/2002.10553)",
    atoms=r"$\|u_g\|$, then $\|v_g\|$",
    proven="rank up to 6, any number of samples",
)
objective = parts.neurons_objective
convex_program = parts.neurons_program
train = trained.train_neurons
decode = parts.decode_neurons
sizes = parts.group_lengths
descend = parts.descend_neurons
instance = partial(parts.line_instance, n=6, beta=0.2)
