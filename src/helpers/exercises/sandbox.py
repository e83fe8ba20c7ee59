"""The trusted side of the sandbox: starts bubblewrap, hands submissions in, keeps the clock, reads the answers.

    with Sandbox(Limits(), data="data") as box:
        result = box.run(["q1 = 1 + 1"], ["q1"])      # result.answers == {"q1": {"type": "integer", "value": 2}}

What a submission can see: the Python that runs this, its libraries, helpers (without the grading modules) and the folder
of tables; all read-only. Its working folder and /tmp are empty, in memory, of a bounded size, and gone afterwards. No
programs, no network, no environment variables of ours, no other process (when warm not even /proc), no file of the
teacher. As root the sandbox runs as nobody, because the kernel does not limit the number of root's processes.

Two ways to the same isolation (`Sandbox.mode` says which):

"warm"   one bubblewrap per Sandbox. A process in it has imported everything and keeps three capabilities inside its own user
         namespace; it forks per submission, and the fork gets pid, mount and IPC namespaces of its own before it drops
         all capabilities (`inside.py`). Works on Debian 12 and wherever a process in a user namespace may hold
         capabilities.
"cold"   one bubblewrap and one Python start per submission, a second or more each. Taken by itself where "warm" is refused:
         Ubuntu 24.04 with AppArmor's profile ``bwrap-userns-restrict`` gives bubblewrap's children no capabilities.

Without that profile Ubuntu 24.04 gives bubblewrap no rights in its user namespace at all: `available` then says which line
helps. Neither way is less isolated than the other; there is no third one that is.
With ``trust=True`` a machine without bubblewrap runs submissions in plain processes ("plain"): limits of time, memory and
files hold, but the code can read what the teacher can read.

The clock and the caps on output and answers are kept here, outside: the result and output pipes lead straight to this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from helpers.data_folder import find_data
from helpers.exercises import ExerciseError, answers

INSTALL = "Debian, Ubuntu: sudo apt-get install bubblewrap libseccomp2. Fedora: sudo dnf install bubblewrap libseccomp."
COURSE = "/course"
_NOBODY = 65534
_CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SETPCAP", "CAP_SYS_RESOURCE")
_SEEN = ("__init__.py", "checking.py", "answers.py", "inside.py")  # of this package, inside
_BOOT = (
    "import json, sys; config = json.loads(sys.argv[1]); sys.path[:0] = config['path']; "
    "from helpers.exercises import inside; inside.main(config)"
)
_START_SECONDS = 60  # until the warm process has imported everything
GRACE_SECONDS = 2  # until a killed submission must be gone
_TAIL = 2_000
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Sizes in bytes, times in seconds.

    `memory` counts all its processes together, beyond the warm process's own; `disk` is the size of each of its three
    folders in memory (work, /tmp, /dev/shm); a cell that takes `cell_seconds` is stopped and the next one runs;
    `results` bounds all answers together (one answer: 1 MB).
    """

    wall_seconds: float = 30
    cell_seconds: float = 10
    cpu_seconds: int = 30
    memory: int = 1 << 30
    processes: int = 24
    open_files: int = 256
    file: int = 32 << 20
    disk: int = 64 << 20
    output: int = 10_000_000
    results: int = 8_000_000


@dataclass
class Result:
    """What became of one submission.

    status: "ok" · "error" (a cell raised) · "timeout" (clock or CPU) · "memory" · "output" (printed too much) · "too-big" (answers) ·
    "killed" (ended before its last cell, by itself or by a signal). Whatever the status, `answers` holds one checked answer
    per asked name: those reported before the end stand, the others are {"type": "missing"}.
    `error` is one line for a person, from the first failed cell `failed_cell` (from 0) or about the whole; `errors` has
    one per failed cell. Both, and `output` (the tail), hold whatever the student wrote: escape them. `memory`: peak bytes.
    """

    status: str
    answers: dict[str, answers.Answer]
    error: str = ""
    failed_cell: int | None = None
    errors: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory: int = 0
    output: str = ""


@cache
def available() -> tuple[bool, str]:
    """Say whether submissions can be isolated here, and if not, why and what to do about it."""
    if sys.platform != "linux":
        return False, "bubblewrap runs on Linux only: grade on Linux, in a virtual machine or in WSL."
    needed = ["bwrap"] + (["setpriv"] if os.geteuid() == 0 else [])
    for command in needed:
        if not shutil.which(command):
            return False, f"{command} is not installed. {INSTALL}"
    true = os.path.realpath(shutil.which("true") or "/usr/bin/true")
    trial = subprocess.run(
        [*_bwrap([*_libraries(), (true, true)], []), true],
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    if trial.returncode == 0:
        return True, ""
    why = (trial.stderr.strip().splitlines() or [f"it ended with {trial.returncode}"])[-1]
    advice = "Allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000."
    with contextlib.suppress(OSError):
        if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").read_text().strip() == "1":
            advice = (
                "AppArmor forbids it here. Allow it to bubblewrap: sudo apt-get install apparmor-profiles && sudo install -m 644 "
                "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo systemctl reload "
                "apparmor. Grading is faster where every program may: sudo sysctl -w "
                "kernel.apparmor_restrict_unprivileged_userns=0."
            )
    return False, f"bubblewrap cannot make a sandbox here ({why}). {advice}"


class Sandbox:
    """Runs submissions one after another, each in a fresh isolated process. Use it as a context manager.

    `data`: folder of tables shown to submissions (left out: `find_data()`). `clocks`: the dates at which
    ``evidence.load`` is prepared; any other date works and takes 0.1 s more. `preload`: further modules to import once.
    `trust`: where bubblewrap cannot be had, run without isolation instead of refusing. Close it in the thread that made
    it, or keep that thread alive: bubblewrap ends with the thread that started it (`run` then starts another).
    Raises ExerciseError with the install line when isolation cannot be had and `trust` is not given.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        trust: bool = False,
        data: str | Path | None = None,
        clocks: Iterable[str | None] = (None,),
        preload: Iterable[str] = (),
    ):
        self.limits = limits or Limits()
        self.data = Path(data if data is not None else find_data()).resolve()
        self._clocks, self._preload = [str(c) if c else None for c in clocks], list(preload)
        isolated, why = available()
        if not isolated and not trust:
            raise ExerciseError(f"Submissions cannot be isolated: {why} Or trust the students: --trust-students.")
        if not hasattr(os, "fork"):
            raise ExerciseError("Grading needs Linux or macOS; on Windows, use WSL.")
        self.mode = "warm" if isolated else "plain"
        self.cold_because = ""
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the warm process, if it does not run; `run` does so by itself."""
        if self._process and self._process.poll() is None:
            return
        self.close()
        try:
            self._launch()
        except ExerciseError as problem:
            if self.mode != "warm":
                raise
            self.mode, self.cold_because = "cold", str(problem)
            self._launch()  # once, so that what cannot work at all is said now

    def close(self) -> None:
        """End the warm process and everything in it."""
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def run(self, cells: Sequence[str], names: Sequence[str]) -> Result:
        """Run the cells of one submission and return the answers found under `names`.

        Never raises for what a submission does; ExerciseError means that the sandbox itself cannot start.
        """
        with self._lock:
            try:
                for _ in range(2):
                    self.start()
                    result, lost = self._run(list(cells), list(names))
                    if not lost:  # else the warm process was gone, most likely before this submission: once more
                        break
            except BaseException:
                self.close()  # the warm process may be in the middle of this submission
                raise
            if self.mode == "cold":
                self.close()
            return result

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET if _linux() else socket.SOCK_STREAM)
        with tempfile.TemporaryFile() as errors:
            with theirs:
                self._process = subprocess.Popen(
                    self._command(),
                    stdin=theirs,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=_environment(HOME=tempfile.gettempdir()) if self.mode == "plain" else {},
                    start_new_session=True,
                )
            self._control = ours
            ours.settimeout(_START_SECONDS)
            try:
                ready = json.loads(ours.recv(65_536) or b"{}")
            except (OSError, ValueError):
                ready = {}
            if not ready.get("ready"):
                self.close()
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
                raise ExerciseError(f"The sandbox did not start: {ready.get('why') or said[-1]}")

    def _command(self) -> list[str]:
        boxed = self.mode != "plain"
        config = {
            "isolate": self.mode == "warm",
            "boxed": boxed,
            "data": f"{COURSE}/data" if boxed else str(self.data),
            "clocks": self._clocks,
            "preload": self._preload,
            "path": search_path() if boxed else [str(_PACKAGE.parent), *_site_packages()],
        }
        start = ["-c", _BOOT, json.dumps(config)]
        if not boxed:
            return [*_python(), *start]
        keep = _CAPABILITIES if self.mode == "warm" else ()
        return boxed_command(start, self.data, self.limits.disk, keep=keep)

    def _run(self, cells: list[str], names: list[str]) -> tuple[Result, bool]:
        if self.mode != "plain":
            return self._hand_in(cells, names, None)
        with tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True) as folder:
            return self._hand_in(cells, names, folder)

    def _hand_in(self, cells: list[str], names: list[str], folder: str | None) -> tuple[Result, bool]:
        limits = self.limits
        job = {
            "names": names,
            "folder": folder,
            "cell_seconds": limits.cell_seconds,
            "cpu": int(limits.cpu_seconds),
            "memory": limits.memory,
            "processes": limits.processes if self.mode != "plain" else 0,
            "open_files": limits.open_files,
            "file": limits.file,
            "disk": limits.disk,
        }
        order = json.dumps(job).encode()
        with tempfile.TemporaryFile() as source:
            source.write(
                json.dumps(cells).encode()
            )  # a full disk is for the caller to know, no fault of the submission
            source.seek(0)
            started = time.monotonic()
            (result_in, result_out), (output_in, output_out) = os.pipe(), os.pipe()
            with open(result_in, "rb", 0) as results, open(output_in, "rb", 0) as output:
                try:
                    socket.send_fds(self._control, [order], [source.fileno(), result_out, output_out])
                except OSError:
                    pass  # the warm process is gone: `_follow` sees that no end is told
                finally:
                    os.close(result_out)
                    os.close(output_out)
                heard = _Heard(results.fileno(), output.fileno(), limits)
                end, why = self._follow(heard, started + limits.wall_seconds)
        return _result(heard, end, why, names, limits, time.monotonic() - started), not end and not why

    def _follow(self, heard: _Heard, deadline: float) -> tuple[dict, str]:
        """Read until the end is told; kill what breaks a limit. Return how it ended and which limit it broke ("" for none)."""
        why = ""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            for descriptor in heard.descriptors:
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
                for descriptor in ready - {self._control}:
                    if not heard.read(descriptor):
                        selector.unregister(descriptor)
                if self._control in ready:
                    try:
                        end = json.loads(self._control.recv(65_536))
                    except (OSError, ValueError):
                        end = {}
                    heard.drain()
                    if not end:
                        self.close()
                    return end, why or heard.over
                if why and time.monotonic() >= deadline:  # told to end, and did not
                    self.close()
                    return {}, why
                if not why and (heard.over or time.monotonic() >= deadline):
                    why = heard.over or "timeout"
                    deadline = time.monotonic() + GRACE_SECONDS
                    with contextlib.suppress(OSError):
                        self._control.send(b"{}")


class _Heard:
    """What came through the two pipes so far, never more than the limits allow."""

    def __init__(self, results: int, output: int, limits: Limits):
        self.descriptors = (results, output)
        self.lines, self.tail, self.over = bytearray(), b"", ""
        self._left = {results: limits.results, output: limits.output}
        for descriptor in self.descriptors:
            os.set_blocking(descriptor, False)

    def read(self, descriptor: int) -> bool:
        """Take what is there; False when the pipe has ended."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        self._left[descriptor] -= len(data)
        if descriptor == self.descriptors[0]:
            if self._left[descriptor] < 0:
                self.over = self.over or "too-big"
            else:
                self.lines += data
        else:
            self.tail = (self.tail + data)[-4 * _TAIL :]
            if self._left[descriptor] < 0:
                self.over = self.over or "output"
        return bool(data)

    def drain(self) -> None:
        """Take what is still in the pipes (at most what a pipe holds)."""
        for descriptor in self.descriptors:
            for _ in range(64):
                before = self._left[descriptor]
                if not self.read(descriptor) or self._left[descriptor] == before:
                    break


def _result(heard: _Heard, end: dict, why: str, names: list[str], limits: Limits, seconds: float) -> Result:
    """Read the lines of a submission's process, which may be forged, into a Result."""
    found, errors, done = _read_lines(bytes(heard.lines), names)
    result = Result(
        status="ok",
        answers={name: found.get(name, answers.missing()) for name in names},
        errors=errors,
        seconds=seconds,
        cpu_seconds=float(end.get("cpu", 0.0)),
        memory=int(end.get("memory", 0)),
        output=heard.tail.decode("utf-8", "replace")[-_TAIL:],
    )
    code = end.get("exit", -9)
    out_of_cpu = code == -24 or (code == -9 and result.cpu_seconds >= limits.cpu_seconds)
    if errors:
        result.failed_cell = min(errors)
        result.error = errors[result.failed_cell]
        result.status = "memory" if _OUT_OF_MEMORY.match(result.error) else "error"
    if why:
        result.status = why
    elif end.get("why") == "memory":
        result.status = "memory"
    elif out_of_cpu:
        result.status = "timeout"
    elif not done:
        result.status = "killed"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        result.error = f"The notebook ended {how} before its last cell was over."
    if said := _LIMIT_BROKEN.get(result.status):
        result.error = said.format(limits=limits, memory=limits.memory >> 20)
        result.failed_cell = None if why or end.get("why") else result.failed_cell
    return result


_OUT_OF_MEMORY = re.compile(r"(line \d+: )?\w*MemoryError")
_LIMIT_BROKEN = {
    "timeout": "The notebook took longer than {limits.wall_seconds:g} s, or more than {limits.cpu_seconds} s of computing.",
    "memory": "The notebook needed more than {memory} MB of memory.",
    "output": "The notebook printed more than {limits.output:,} bytes.",
    "too-big": "The answers are larger than {limits.results:,} bytes together.",
}


def _read_lines(data: bytes, names: list[str]) -> tuple[dict[str, answers.Answer], dict[int, str], bool]:
    found: dict[str, answers.Answer] = {}
    errors: dict[int, str] = {}
    done = False
    for line in data.split(b"\n")[:-1][:10_000]:
        try:
            told = answers.parse(line)
        except answers.Refused:
            continue
        if not isinstance(told, dict):
            continue
        if set(told) == {"answer", "value"} and told["answer"] in names:
            found[told["answer"]] = answers.checked(told["value"])
        elif set(told) == {"cell", "error"} and type(told["cell"]) is int and isinstance(told["error"], str):
            if 0 <= told["cell"] < 10_000:
                errors.setdefault(told["cell"], told["error"].encode("utf-8", "replace").decode()[:500])
        elif told == {"done": True}:
            done = True
    return found, errors, done


def search_path() -> list[str]:
    """Return ``sys.path`` as it must be inside: helpers, then the installed libraries under neutral names."""
    return [f"{COURSE}/src", *(f"{COURSE}/lib{number}" for number in range(len(_site_packages())))]


def boxed_command(
    arguments: list[str],
    data: Path,
    disk: int,
    keep: Sequence[str] = (),
    more: Sequence[tuple[str | None, str]] = (),
) -> list[str]:
    """Return the command that runs this Python with `arguments` in bubblewrap, with all namespaces and no network.

    It sees read-only the standard library, the installed libraries and helpers (`search_path`), the tables in ``/course/data``,
    and `more` (source, place); work, /tmp and /dev/shm hold `disk` bytes each. `keep`: capabilities in its own namespace.
    """
    python = Path(_python()[0])
    shown = _libraries()
    shown += [(str(p), str(p)) for p in (python, python.parent.parent / "lib", python.parent.parent / "lib64")]
    wing = f"{COURSE}/src/helpers/exercises"
    for source, place in zip(_site_packages(), search_path()[1:], strict=True):
        shown.append((source, place))
        if Path(source, "helpers", "exercises").is_dir():
            shown.append((None, f"{place}/helpers/exercises"))  # installed for good: seen once, below, and in part
    shown += [(str(_PACKAGE), f"{COURSE}/src/helpers"), (str(data), f"{COURSE}/data"), (None, wing)]
    shown += [(str(_PACKAGE / "exercises" / name), f"{wing}/{name}") for name in _SEEN]
    options = []
    for folder in (f"{COURSE}/work", "/tmp", "/dev/shm"):
        options += ["--size", str(disk), "--perms", "0700", "--tmpfs", folder]
    options += ["--remount-ro", "/"]
    for capability in keep:
        options += ["--cap-add", capability]
    if not keep:
        options += ["--cap-drop", "ALL", "--as-pid-1"]  # else bubblewrap's own process is there to be read
    return [*_bwrap([*shown, *more], options), *_python(), *arguments]


def _python() -> list[str]:
    """Return the interpreter behind a virtual environment's link, with flags: no site, no cwd in the path, no warnings."""
    return [os.path.realpath(sys.executable), "-S", "-s", "-P", "-B", "-W", "ignore"]


def _site_packages() -> list[str]:
    return [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages") and Path(p).is_dir()]


def _bwrap(shown: list[tuple[str | None, str]], options: list[str]) -> list[str]:
    """Return the command line up to the program: all namespaces, an empty root with `shown` (source, place; None: empty)."""
    bwrap = shutil.which("bwrap") or "bwrap"
    if os.geteuid() != 0:
        return [bwrap, *_ISOLATED, *_binds(shown), *options, "--"]
    # Root first makes the files visible that only root may reach, then everything else is done by nobody.
    setpriv = shutil.which("setpriv") or "setpriv"
    tools = [(os.path.realpath(tool), tool) for tool in (bwrap, setpriv)]
    outer = [bwrap, "--unshare-pid", "--die-with-parent", *_binds(shown + tools)]
    outer += [
        "--dev",
        "/dev",
        "--bind",
        "/proc",
        "/proc",
        "--dir",
        "/tmp",
        "--",
    ]  # the inner one builds its root on /tmp
    nobody = [setpriv, f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--"]
    inner = [(place if source else None, place) for source, place in shown]
    return [*outer, *nobody, bwrap, *_ISOLATED, *_binds(inner), *options, "--"]


_ISOLATED = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"]
_ISOLATED += ["--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--proc", "/proc", "--dir", "/dev"]
# Not --dev: for its terminals bubblewrap would make a second user namespace, and the first would own the pid namespace.
_ISOLATED += [
    word for node in ("null", "zero", "full", "random", "urandom") for word in ("--dev-bind", *[f"/dev/{node}"] * 2)
]


def _binds(shown: list[tuple[str | None, str]]) -> list[str]:
    arguments = []
    folders = {str(parent) for _, place in shown for parent in Path(place).parents} - {"/"}
    for folder in sorted(folders - {place for _, place in shown}):  # else bubblewrap makes them for their owner alone
        arguments += ["--perms", "0755", "--dir", folder]
    for source, place in shown:
        if source is None:
            arguments += ["--perms", "0755", "--tmpfs", place]
        elif source.startswith("->"):
            arguments += ["--symlink", source[2:], place]
        else:
            arguments += ["--ro-bind-try", source, place]
    for name, value in _environment().items():
        arguments += ["--setenv", name, value]
    return arguments


def _libraries() -> list[tuple[str | None, str]]:
    """Return what a Python of any origin links to: shared libraries, time zones; no programs."""
    shown: list[tuple[str | None, str]] = []
    for name in ("usr/lib", "usr/lib32", "usr/lib64", "usr/libx32", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            shown.append((f"->{os.readlink(path)}", str(path)))
        elif path.is_dir():
            shown.append((str(path), str(path)))
    return [*shown, *((p, p) for p in ("/usr/share/zoneinfo", "/etc/ld.so.cache"))]


def _environment(**extra: str) -> dict[str, str]:
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    work = f"{COURSE}/work"
    return {
        "HOME": work,
        "IPYTHONDIR": f"{work}/.ipython",
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",  # the same answers in every run
        "TMPDIR": "/tmp",
        "TZ": "UTC",
        **dict.fromkeys(threads, "1"),
    } | extra


def _linux() -> bool:
    return sys.platform == "linux"
