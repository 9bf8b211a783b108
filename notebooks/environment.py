"""Make the environment that the Makefile runs in: packages, and the way to lib/.

    python notebooks/environment.py VENV figures|test|book

`figures` makes VENV and installs what the notebooks need; `test` and `book` add theirs to it. The
packages are those of pyproject.toml, pinned by constraints.txt. The library itself is not installed
but found in lib/, by a path relative to VENV: the folder can be moved, or copied.
"""

import argparse
import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {
    "figures": ("notebooks", "jupyter", "torch"),
    "test": ("test",),
    "book": ("book",),
}
# GB to download and GB in VENV; on Linux and Python 3.11, with the CPU build of PyTorch.
SIZES = {"figures": (0.6, 2.2), "test": (0.1, 0.2), "book": (0.2, 0.5)}
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Seconds for an answer of that index: long for a slow line, short for one that swallows packets.
PATIENCE = 8


class Failed(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


def make(venv, group, torch_index):
    """Install a group of packages, unless another make has done so meanwhile."""
    stamp = stamp_of(venv, group)
    with lock(venv):
        if is_fresh(stamp):
            return
        check_room(venv, group)
        download, installed = SIZES[group]
        print(
            f"Installing the pinned packages for `{group}` in {venv}, once: about {download} GB to "
            f"download, {installed} GB on disk, one to three minutes.",
            flush=True,
        )
        # Written last and taken away first: an installation that was cut short starts afresh.
        complete = stamp.exists()
        stamp.unlink(missing_ok=True)
        if group == "figures" and not complete:
            call([sys.executable, "-m", "venv", "--clear", str(venv)], "the environment")
        install(venv, group, torch_index)
        if group == "figures":
            point_to_library(venv)
            # Once, here: the first plot would take half a minute to list the fonts.
            call([str(python(venv)), "-c", "import matplotlib.font_manager"], "the fonts")
            compile_in_background(venv)
        stamp.touch()


def stamp_of(venv, group):
    return venv / ("installed" if group == "figures" else f"installed-{group}")


def is_fresh(stamp):
    sources = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    return stamp.exists() and all(
        stamp.stat().st_mtime >= source.stat().st_mtime for source in sources
    )


@contextlib.contextmanager
def lock(venv):
    """Held by one installation into VENV at a time; beside VENV, which may be made anew."""
    path = venv.with_name(f"{venv.name}.lock")
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another make is installing into {venv}; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_room(venv, group):
    free, needed = shutil.disk_usage(venv.parent).free / 1e9, SIZES[group][1]
    if free < needed and not stamp_of(venv, "figures").exists():
        raise Failed(
            f"{venv} needs about {needed} GB, and there are {free:.1f} GB free; make room, or "
            "name a folder on another disk: make figures VENV=/path/to/venv"
        )


def install(venv, group, torch_index):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [] if group != "figures" else list(project["dependencies"])
    for extra in EXTRAS[group]:
        wanted += project["optional-dependencies"][extra]
    command = [str(python(venv)), "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        command.append("--quiet")  # a log needs no progress bars
    if group == "figures" and (index := index_of_torch(torch_index)):
        command += ["--extra-index-url", index]
    command += ["--constraint", str(ROOT / "constraints.txt"), *wanted]
    call(command, "the packages")


def index_of_torch(given):
    """The package index for PyTorch: the one given; on Linux else that of the CPU builds."""
    if given or platform.system() != "Linux":
        return given
    if answers(f"{CPU_INDEX}/torch/"):
        print(f"PyTorch: the CPU build of {CPU_INDEX} (another: TORCH_INDEX=URL).", flush=True)
        return CPU_INDEX
    print(
        f"{CPU_INDEX} cannot be reached: PyTorch comes from where pip is configured to look. From "
        "PyPI that is the CUDA build, which takes several GB more.",
        flush=True,
    )
    return None


def answers(url):
    """Whether an index answers within PATIENCE, name look-up included, which has its own clock."""
    found = []

    def ask():
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                found.append(b"torch" in answer.read(10_000))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return found == [True]


def point_to_library(venv):
    """A line in VENV that puts lib/ on the path, relative where VENV moves with it."""
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(venv.absolute())}))
    library = ROOT / "lib"
    inside = venv.absolute().is_relative_to(ROOT)
    line = os.path.relpath(library, packages) if inside else str(library)
    (packages / "0-hidden-convexity.pth").write_text(f"{line}\n", encoding="utf-8")


def compile_in_background(venv):
    """What first trainings would compile, for a minute or two, whatever becomes of this make."""
    print("Compiling the library in the background, once, for a minute or two.", flush=True)
    subprocess.Popen(
        [str(python(venv)), "-c", "import hidden_convexity; hidden_convexity.compile()"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def python(venv):
    return venv / "bin" / "python"


def call(command, what):
    if subprocess.run(command, check=False).returncode:
        raise Failed(
            f"Installing {what} failed, for the reason above. Nothing is half used: the same "
            "command starts again. Without a network, or with a disk that is full, it can only "
            "fail again."
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("venv", type=Path)
    parser.add_argument("group", choices=EXTRAS)
    parser.add_argument("--torch-index", default="")
    given = parser.parse_args()
    try:
        make(given.venv, given.group, given.torch_index)
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"Installing into {given.venv} failed: {error.strerror}: {error.filename}.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
