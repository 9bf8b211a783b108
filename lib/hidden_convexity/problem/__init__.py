"""What is asked: data, a loss and weight decay; the networks that answer; the convex program.

Read `losses`, `training_problem` (P and its dual), `network` (encode, decode, balance, prune) and
`gap`; then `restricted`, the convex program over a few cones. `parallel_network` has branches, for
one variable. Hands on `TrainingProblem` and `ReLUNetwork`, and the value that all solvers lower.
"""
