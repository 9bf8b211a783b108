"""Pictures that move without a kernel hold all their frames, and say what they show."""

import json
import re

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("IPython")
from hidden_convexity.companion import plotting

CUBE = np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
# Three faces go round one way seen from outside, three the other.
FACES = [
    np.array(face)
    for face in ([0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5])
]


def test_a_film_draws_each_position_once_on_an_empty_figure():
    drawn = []

    def draw(fig, height):
        drawn.append((len(fig.axes), height))
        fig.subplots().plot([0, height])

    heights = {"label": "height <m>", "alt": 'A line that "rises".', "name": "rise"}
    film = plotting.Film(draw, (2, 2), [0.0, 1.0, 2.0], **heights)
    assert drawn == [(0, 0.0), (0, 1.0), (0, 2.0)]
    html = film._repr_html_()
    frames = json.loads(re.search(r'\["data:image/webp.*?\]', html)[0])
    assert frames == film.frames and len(set(frames)) == 3
    assert 'max="2"' in html and "height &lt;m&gt; 0</output>" in html
    assert 'alt="A line that &quot;rises&quot;."' in html
    assert not re.search(r"https?://(?!www\.w3\.org)", html)


def test_the_faces_of_a_turning_polyhedron_go_round_anticlockwise_from_outside():
    html = plotting.turning_polyhedron(
        CUBE, FACES, ["#fff"] * 6, list("abcdefgh"), alt="A cube.", name="cube"
    ).data
    solid = json.loads(re.search(r"\{\"vertices.*\]\}", html)[0])
    vertices = np.array(solid["vertices"])
    assert np.linalg.norm(vertices, axis=1).max() == pytest.approx(1, abs=1e-4)
    for face, given in zip(solid["faces"], FACES, strict=True):
        assert sorted(face) == sorted(given)
        a, b, c = vertices[face[:3]]
        assert np.cross(b - a, c - b) @ vertices[face].mean(axis=0) > 0
    assert 'aria-label="A cube."' in html
