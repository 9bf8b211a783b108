"""What everybody stands on: checks of arguments, progress bars, conic programs.

Read `validation` first: what a caller passes in is checked once, at the door of each public object.
`conic_program` gives Clarabel the settings that all conic programs share; `compilation` and `loops`
say how compiled code is kept, and written so that nobody waits. Hands on functions, and knows
nothing of networks.
"""
