"""Activation patterns: hyperplanes, the chambers between them, zonotopes and wedge products.

Read `hyperplanes` (rows as directions), `chambers` and `arrangement` (all patterns, or some), then
`zonotope` (a vertex a pattern), `wedge` (neurons as cross products of samples) and `cones`
(projections onto chambers). Hands on `Arrangement` and `Zonotope`: data X in, patterns out.
"""
