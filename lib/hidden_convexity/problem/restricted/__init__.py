"""The convex program over a few cones: a small group Lasso that does not grow with n.

Read `neurons` (a cone, a sign, the flat on which the neuron moves), `passes` (what is asked of the
data), `group_lasso` (the small program), then `program`, which puts them together.
"""
