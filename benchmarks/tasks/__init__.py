"""What else is timed, with the functions of `benchmarks.solvers`: proofs, lists, a yardstick."""
