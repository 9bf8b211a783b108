"""One input: linear splines, deep networks in parallel branches, and what trains both exactly.

Read `ramps` (all correlations with hinges in O(n)), `fixed_knots` and `splines` (two layers), then
`reflections` and `mirrors` (deeper ones, a Lasso over reflected data); `descent` is Adam on the
same networks. Hands on `splines.train` and `mirrors.train`, with the solvers' `Solution`.
"""
