"""Making the environment: which index, two at once, a folder that moves, a disk that is full."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A copy of the installer in a throw-away project, whose pip is asked and never run."""
    root = tmp_path / "a project"
    (root / "notebooks").mkdir(parents=True)
    (root / "lib").mkdir()
    for name in ("pyproject.toml", "constraints.txt", "notebooks/environment.py"):
        shutil.copy(ROOT / name, root / name)
    location = root / "notebooks" / "environment.py"
    spec = importlib.util.spec_from_file_location("environment", location)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.calls, module.compiled = [], []

    def call(command, what):
        module.calls.append(command)
        if "venv" in command:
            packages = Path(command[-1]) / "lib" / "python{}.{}".format(*sys.version_info[:2])
            (packages / "site-packages").mkdir(parents=True)

    monkeypatch.setattr(module, "call", call)
    monkeypatch.setattr(module, "compile_in_background", lambda venv: module.compiled.append(venv))
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module, "CPU_INDEX", "http://127.0.0.1:9")  # nobody listens there
    return module


@pytest.fixture
def index():
    """The address of a server that answers as a package index does."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'<a href="torch-2.13.0+cpu.whl">torch</a>')

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pip(environment):
    (command,) = [command for command in environment.calls if "pip" in command]
    return command


def extra_index(command):
    return command[command.index("--extra-index-url") + 1] if "--extra-index-url" in command else ""


def test_on_linux_torch_comes_from_the_index_of_its_cpu_builds(environment, index, monkeypatch):
    monkeypatch.setattr(environment, "CPU_INDEX", index)
    environment.make(environment.ROOT / ".venv", "figures", "")
    assert extra_index(pip(environment)) == index


def test_where_that_index_cannot_be_reached_pip_is_left_to_itself_and_says_so(environment, capsys):
    environment.make(environment.ROOT / ".venv", "figures", "")
    assert not extra_index(pip(environment))
    assert (
        "cannot be reached: PyTorch comes from where pip is configured" in capsys.readouterr().out
    )


def test_an_index_that_swallows_packets_costs_seconds(environment, monkeypatch):
    def swallow(url, timeout):
        time.sleep(30)
        raise TimeoutError

    monkeypatch.setattr(environment, "PATIENCE", 0.2)
    monkeypatch.setattr(environment.urllib.request, "urlopen", swallow)
    began = time.monotonic()
    assert environment.index_of_torch("") is None
    assert time.monotonic() - began < 10


def test_the_index_that_is_given_is_taken_unseen_and_elsewhere_none_is(environment, monkeypatch):
    assert environment.index_of_torch("https://mine") == "https://mine"
    monkeypatch.setattr(environment.platform, "system", lambda: "Darwin")
    assert not environment.index_of_torch("")


def test_each_command_installs_what_it_needs(environment):
    venv = environment.ROOT / ".venv"
    environment.make(venv, "figures", "")
    figures = pip(environment)
    assert {"torch>=2.6", "numpy>=2.1", "papermill>=2.6"} <= set(figures)
    assert not [one for one in figures if one.startswith(("sphinx", "pytest", "playwright"))]
    assert environment.compiled == [venv]
    environment.calls.clear()
    environment.make(venv, "test", "")
    assert "pytest>=8.3" in pip(environment) and "torch>=2.6" not in pip(environment)
    assert environment.compiled == [venv]  # once
    assert not extra_index(pip(environment))


def test_a_folder_that_is_moved_or_copied_finds_its_own_library(environment, tmp_path):
    """An editable install named the old folder: after a move nothing was found, or the old one."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", environment.ROOT / ".venv"], check=True
    )
    environment.point_to_library(environment.ROOT / ".venv")
    moved = tmp_path / "elsewhere"
    shutil.copytree(environment.ROOT, moved, symlinks=True)
    run = subprocess.run(
        [moved / ".venv" / "bin" / "python", "-c", "import sys; print(*sys.path, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    assert str(moved / "lib") in run.stdout.splitlines()
    assert str(environment.ROOT / "lib") not in run.stdout.splitlines()


def test_the_library_is_compiled_meanwhile_and_the_reader_is_told(tmp_path, capsys):
    """The first training was silent for a minute, in `make lab` too."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "notebooks/environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    started = tmp_path / "bin" / "python"
    started.parent.mkdir()
    slowly = 'sleep 1\ncd "$(dirname "$0")"\necho "$2" > part\nmv part asked\n'
    started.write_text(f"#!/bin/sh\n{slowly}", encoding="utf-8")
    started.chmod(0o755)
    module.compile_in_background(tmp_path)
    written = tmp_path / "bin" / "asked"
    assert not written.exists() and "in the background" in capsys.readouterr().out
    deadline = time.monotonic() + 60
    while not written.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (
        written.read_text(encoding="utf-8").strip()
        == "import hidden_convexity; hidden_convexity.compile()"
    )


def test_of_two_installations_at_once_the_second_waits_and_has_nothing_to_do(environment, capsys):
    venv = environment.ROOT / ".venv"
    with environment.lock(venv):
        second = threading.Thread(target=environment.make, args=(venv, "figures", "x"))
        second.start()
        while "waiting for it" not in capsys.readouterr().out:
            assert second.is_alive()
            time.sleep(0.02)
        venv.mkdir()
        environment.stamp_of(venv, "figures").touch()
    second.join()
    assert environment.calls == []


def test_an_installation_that_failed_is_no_installation(environment, monkeypatch):
    venv = environment.ROOT / ".venv"
    environment.make(venv, "figures", "x")
    assert environment.is_fresh(environment.stamp_of(venv, "figures"))

    def fail(command, what):
        raise environment.Failed("no network")

    monkeypatch.setattr(environment, "call", fail)
    later = time.time() + 2
    os.utime(environment.ROOT / "constraints.txt", (later, later))
    with pytest.raises(environment.Failed):
        environment.make(venv, "figures", "x")
    assert not environment.stamp_of(venv, "figures").exists()


def test_a_disk_without_room_is_found_before_anything_is_downloaded(environment, monkeypatch):
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: SimpleNamespace(free=2e8))
    with pytest.raises(environment.Failed, match=r"needs about .* GB, and there are 0\.2 GB free"):
        environment.make(environment.ROOT / ".venv", "figures", "x")
    assert environment.calls == []


def test_what_the_system_refuses_is_a_sentence(environment, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(28, "No space left on device", "torch.so")

    monkeypatch.setattr(environment, "make", refuse)
    monkeypatch.setattr(sys, "argv", ["environment.py", ".venv", "figures"])
    assert environment.main() == 1
    assert "failed: No space left on device: torch.so" in capsys.readouterr().err
