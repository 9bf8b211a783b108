"""Programs over given patterns, of any dimension and number of outputs: gated, and with cones.

Read `program` (its data and certificate), `constants` (free ones of the outputs), `ridge` and
`newton` (the gated program by its norms), `gated` (working sets around them), then `flats` and
`cones` (with the cones of ReLU networks), `softmax` (several outputs at once),
`cone_decomposition` (from gated to ReLU) and `interpolation`.
"""
