"""A ground: one temporary folder and every process started on it.

Leaving the `with` block, by success, failure, Ctrl-C or SIGTERM (see
`exit_on_signals`), ends the processes by their ids and removes the folder. Should this Python itself be
killed with SIGKILL, the kernel ends its direct children (parent death signal).
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class GroundError(Exception):
    """Something on the ground went wrong; the message is for people."""


def build_dir() -> Path:
    """Where images and other things that are costly to make are kept between runs."""
    default = Path(__file__).resolve().parents[2] / "build"
    return Path(os.environ.get("FIRN_BUILD_DIR") or default).absolute()


def exit_on_signals():
    """Makes SIGTERM and SIGHUP end this Python as Ctrl-C does, so that all is cleaned up."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _remove_stale(parent: Path):
    """Removes grounds whose process was killed before it could."""
    for folder in parent.iterdir():
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


class Ground:
    """Use as a context manager. `keep=True` leaves the folder (for a look at a failure)."""

    def __init__(self, name: str, keep: bool = False):
        self._name = name
        self._keep = keep or os.environ.get("KEEP") == "1"
        self._processes: list[subprocess.Popen] = []
        self.path: Path = Path()

    def __enter__(self) -> "Ground":
        parent = build_dir() / "grounds"
        parent.mkdir(parents=True, exist_ok=True)
        # Orphans of ours (a daemon whose parent died) come to us and are ended with the rest.
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
        _remove_stale(parent)
        self.path = Path(tempfile.mkdtemp(prefix=f"{self._name}-{os.getpid()}-", dir=parent))
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not stop the clean-up.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.stop_all()
            if self._keep:
                print(f"kept: {self.path}")
            else:
                shutil.rmtree(self.path, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, previous)

    def start(self, argv, log: Path | None = None, **popen) -> subprocess.Popen:
        """Starts a process in a session of its own; output goes to `log` or nowhere."""
        output = open(log, "ab") if log else subprocess.DEVNULL
        try:
            process = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **popen,
            )
        finally:
            if log:
                output.close()
        self._processes.append(process)
        return process

    def run(self, argv, deadline: float, log: Path | None = None, **popen) -> int:
        """Runs to the end and returns the exit status; GroundError at the deadline (seconds)."""
        process = self.start(argv, log, **popen)
        try:
            return process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise GroundError(f"{argv[0]} was still running after {deadline:.0f} s") from None
        finally:
            self.stop(process)

    def stop(self, process: subprocess.Popen, patience: float = 0.0):
        """Ends a process and what it started: SIGTERM and `patience` seconds first, then SIGKILL."""
        if patience and process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        below = descendants(process.pid)
        for pid in [*below, process.pid]:
            if process.poll() is None or pid != process.pid:
                _kill(pid)
        process.wait()
        # A port or a file of theirs is free only when they are gone.
        end = time.monotonic() + 5
        while parents().keys() & set(below) and time.monotonic() < end:
            _reap(below)
            time.sleep(0.01)
        if process in self._processes:
            self._processes.remove(process)

    def stop_all(self):
        for process in list(reversed(self._processes)):
            self.stop(process, patience=5.0)
        deadline = time.monotonic() + 5
        while (orphans := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in orphans:
                _kill(pid)
            _reap()
            time.sleep(0.01)


def _kill(pid: int):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _reap(pids: list[int] | None = None):
    """Collects ended orphans: these, or all."""
    for pid in pids or [-1]:
        try:
            while os.waitpid(pid, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def parents() -> dict[int, int]:
    """Process id to parent's id, of every process on the machine that still runs: one that ended
    is only waiting to be noticed by its parent."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
            if state not in "ZX":
                found[int(entry)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """Ids of the processes below `root`, the deepest first."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    ordered, queue = [], list(children.get(root, []))
    while queue:
        pid = queue.pop(0)
        ordered.append(pid)
        queue.extend(children.get(pid, []))
    return ordered[::-1]


def run(argv, deadline: float = 600.0, **popen) -> str:
    """Runs a command that leaves nothing running; returns its output, raises with its error."""
    command = [str(a) for a in argv]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C reaches this Python alone, which then ends the command with all it started.
            start_new_session=True,
            preexec_fn=_die_with_parent,
            **popen,
        )
    except FileNotFoundError:
        raise GroundError(f"{command[0]} is not installed (run `make deps`)") from None
    try:
        output, errors = process.communicate(timeout=deadline)
    except BaseException as stopped:
        for pid in [*descendants(process.pid), process.pid]:
            _kill(pid)
        process.communicate()
        if isinstance(stopped, subprocess.TimeoutExpired):
            message = f"{command[0]} was still running after {deadline:.0f} s"
            raise GroundError(message) from None
        raise
    if process.returncode != 0:
        tail = "\n".join((errors or output).strip().splitlines()[-12:])
        raise GroundError(f"{' '.join(command)}: exit status {process.returncode}\n{tail}")
    return output
