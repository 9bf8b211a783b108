"""The training programs: one file each, with the same three functions.

`prepare(problem, case)` does what may be done before the clock starts, `run(problem, case, state,
setting)` is timed, and `outcome(problem, state, result, seconds)` says what came of it. `SETTINGS`
lists the program's settings, from the fastest to the most accurate, where there are several, and
`WARM_UP` is another one for the run before the clock, where the first would take long.
"""
