"""The checker as a program."""

import sys

if not __package__:  # the folder by itself: python FOLDER FILE
    from pathlib import Path

    folder = Path(__file__).resolve().parent
    sys.path[0], __package__ = str(folder.parent), folder.name
    __import__(__package__)

from . import __doc__ as doc
from . import main

sys.exit(main(sys.argv[1:]) if sys.argv[1:] else doc.split("\n\n")[1])
