"""What runs inside the sandbox: a warm process that forks a student's process per submission.

It knows no expected answer, no key and no other submission. Not even this process sees what students hand in: the trusted
side passes three open files with each job (the cells, the results, the output), the fork reads and writes them, and only
"start", "kill" and "ended" pass through here. So nothing of one student can linger in memory that the next one inherits.

With ``isolate`` (bubblewrap gave this process CAP_SYS_ADMIN, CAP_SETPCAP and CAP_SYS_RESOURCE inside its own user
namespace) the fork is process 1 of a new pid namespace with a mount and IPC namespace of its own: when it ends, the kernel
ends everything it started. It then mounts fresh folders, hides /proc, sets its limits, gives up every capability and
loads a filter of system calls, all before the first line of a student. Without ``isolate`` it does what it can do without
capabilities; whoever started it provides a fresh bubblewrap per submission instead.
"""

from __future__ import annotations

import array
import ast
import asyncio
import contextlib
import ctypes
import gc
import inspect
import io
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import time
import types

from helpers.exercises import answers

WORK = "/course/work"
_LINUX = sys.platform == "linux"
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x20000, 0x8000000, 0x20000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_POLL = 0.02  # seconds between two looks at a submission's memory

# System calls that honest work never needs and that reach memory outside the limits, other processes or rare kernel code.
_DENIED = """
    acct add_key bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick
    init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
    lookup_dcookie mbind memfd_create memfd_secret migrate_pages mount mount_setattr move_mount move_pages mq_open mq_unlink
    msgctl msgget msgrcv msgsnd name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality
    pidfd_getfd pivot_root process_madvise process_vm_readv process_vm_writev ptrace quotactl reboot request_key semctl
    semget semop semtimedop set_mempolicy setdomainname sethostname setns settimeofday shmat shmctl shmdt shmget swapoff
    swapon syslog umount umount2 unshare userfaultfd vhangup
"""
_CLONE_NAMESPACES = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97


class CellTimeout(BaseException):
    """A cell took longer than allowed; not an Exception, so that ``except Exception`` in a loop does not swallow it."""


def main(config: dict) -> None:
    """Warm up, say so on the control socket (file 0), then serve one job after another until the socket closes."""
    control = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        warm(config)
        guard = Guard.prepare(isolate=config["isolate"], boxed=config["boxed"])
        ready = {"ready": True}
    except Exception as problem:
        guard, ready = None, {"ready": False, "why": f"{type(problem).__name__}: {problem}"}
    control.send(json.dumps(ready).encode())
    while guard:
        order, files, _, _ = socket.recv_fds(control, 65_536, 3)
        if not order:
            return
        if files:  # an order to kill what has just ended brings none
            control.send(json.dumps(serve(control, json.loads(order), files, guard)).encode())


def serve(control: socket.socket, job: dict, files: list[int], guard: Guard) -> dict:
    """Fork one student's process, watch its memory, kill it when told to; return how it ended."""
    started = time.monotonic()
    base = _memory(os.getpid())
    child = guard.fork()
    if child == 0:
        try:
            control.close()
            student(job, files, guard)
        except BaseException as problem:
            with contextlib.suppress(OSError):
                os.write(2, f"\nsandbox: {type(problem).__name__}: {problem}\n".encode())
            os._exit(97)
        os._exit(0)
    for descriptor in files:
        os.close(descriptor)
    why = None
    while True:
        pid, status, used = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if _readable(control, guard.watch(child)):
            why = why or "order"
            if not control.recv(4096):
                why = "closed"
            _end(child, guard)
        elif why is None and guard.sees_processes and _grown(base) > job["memory"]:
            why = "memory"
            _end(child, guard)
    guard.forget()
    if not guard.isolate:
        _end(child, guard)  # what it left behind in its process group
    return {
        "why": why,
        "exit": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * (1024 if _LINUX else 1),
    }


def student(job: dict, files: list[int], guard: Guard) -> None:
    """Become the student's process: read the cells, give everything up, run them, write the answers."""
    cells_file, results, output = files
    with os.fdopen(cells_file, "rb") as source:
        cells = json.loads(source.read())
    random.setstate(_SEED)
    os.setsid()
    folder = guard.enter(job)
    for target, descriptor in ((1, output), (2, output), (3, results)):
        os.dup2(descriptor, target)  # job files come after 3: the control socket was opened first
    guard.close_others(4)
    guard.drop(job)
    os.chdir(folder)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
    for name, number in (("stdout", 1), ("stderr", 2)):
        raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=number == 2))
    run(cells, job["names"], job["cell_seconds"], 3)


def run(cells: list[str], names: list[str], cell_seconds: float, results: int) -> None:
    """Run the cells in a fresh ``__main__`` and report to file `results`, one JSON line each: cells, answers, the end.

    An answer is sent as soon as its cell is over, so that a later cell that never ends does not cost the earlier answers.
    """
    main_module = types.ModuleType("__main__")
    sys.modules["__main__"] = main_module
    space = main_module.__dict__
    shell = Shell(space)
    signal.signal(signal.SIGALRM, _too_long)
    held: dict[str, object] = {}
    sent: dict[str, str] = {}
    unreadable: set[str] = set()

    def report(name: str, value: object) -> None:
        try:
            _, text = answers.encoded(value)
        except BaseException as problem:  # the value's own code ran: too long, or it left Python
            unreadable.add(name)
            text = json.dumps(answers.refused(f"cannot be read: {_told(problem, -1, cell_seconds)}."))
        if sent.get(name) != text:
            sent[name] = text
            _write(results, f'{{"answer":{json.dumps(name)},"value":{text}}}\n'.encode())

    for number, source in enumerate(cells):
        error = ""
        signal.setitimer(signal.ITIMER_REAL, cell_seconds)
        try:
            shell.run_cell(source, number)
            for name in names:
                value = space.get(name, ...)
                if value is not held.get(name, ...):
                    held[name] = value
                    report(name, value)
        except BaseException as problem:
            error = _told(problem, number, cell_seconds)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            with contextlib.suppress(Exception):
                sys.stdout.flush()
        if error:
            _write(results, (json.dumps({"cell": number, "error": error}) + "\n").encode())
    signal.setitimer(signal.ITIMER_REAL, cell_seconds)
    for name in names:
        if name not in unreadable:
            report(name, space.get(name, ...))
    signal.setitimer(signal.ITIMER_REAL, 0)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    _write(results, b'{"done":true}\n')


class Shell:
    """As much of IPython as a cell needs to run: its syntax, ``await``, timing magics; other magics say that they are left out."""

    def __init__(self, space: dict):
        from IPython.core.inputtransformer2 import TransformerManager

        space.update(get_ipython=lambda: self, display=_quiet, exit=sys.exit, quit=sys.exit)
        self.user_ns = space
        self._transform = TransformerManager().transform_cell

    def run_cell(self, source: str, number: int = 0) -> None:
        """Run one cell; what its last line shows is not shown."""
        name = f"<cell {number + 1}>"
        code = compile(self._transform(source), name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(code, self.user_ns)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(result)

    def run_line_magic(self, name: str, line: str = "", **_: object) -> None:
        """Run the statement of ``%time`` and ``%timeit`` once; leave other magics out."""
        if name in ("time", "timeit", "prun") and not line.lstrip().startswith("-"):
            return self.run_cell(line)
        print(f"%{name} is left out when grading.")

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        """Run the body of ``%%time``, ``%%timeit``, ``%%capture``; refuse other languages."""
        if name not in ("time", "timeit", "capture", "prun"):
            raise RuntimeError(f"%%{name} cells are not run when grading: write Python")
        self.run_cell(body)

    def system(self, command: str) -> None:
        """Leave a shell command out."""
        print(f"!{command} is left out when grading.")

    def getoutput(self, command: str, **_: object) -> list[str]:
        """Leave a shell command out; its output is empty."""
        self.system(command)
        return []

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return _quiet


class Guard:
    """How far a student's process is kept from the rest: prepared once, entered by every fork."""

    def __init__(self, isolate: bool, boxed: bool):
        self.isolate, self.sees_processes = isolate, boxed
        self._filter = _seccomp_filter() if boxed else b""
        self._mapped = _address_space()
        self._pidns = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if isolate else -1
        self._watched = -1

    @classmethod
    def prepare(cls, isolate: bool, boxed: bool) -> Guard:
        """Test that everything works that the forks will need; OSError says what does not.

        `boxed`: inside bubblewrap. `isolate`: with capabilities there, so that every fork gets namespaces of its own.
        """
        guard = cls(isolate, boxed)
        if isolate:
            with open("/proc/sys/user/max_user_namespaces", "w") as limit:
                limit.write("0")  # no way back to capabilities for anything in here
            child = guard.fork()
            if child == 0:
                try:
                    guard.enter({"disk": 1 << 20})
                except OSError as problem:
                    os._exit(problem.errno or 1)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code:
                raise OSError(code, f"a process of its own namespaces cannot be set up ({os.strerror(abs(code))})")
        elif _LINUX:
            _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # the fork cannot trace this process
        return guard

    def fork(self) -> int:
        """Fork; with `isolate` the child is process 1 of a new pid namespace."""
        if self.isolate:
            _call("setns", self._pidns, _CLONE_NEWPID)  # back from the namespace of the fork before
            _call("unshare", _CLONE_NEWPID)
        return os.fork()

    def watch(self, child: int) -> list[int]:
        """Return the descriptors that become readable when `child` ends (none where the system has no such thing)."""
        if self._watched < 0 and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._watched = os.pidfd_open(child)
        return [self._watched] if self._watched >= 0 else []

    def forget(self) -> None:
        """Close what `watch` opened."""
        if self._watched >= 0:
            os.close(self._watched)
        self._watched = -1

    def enter(self, job: dict) -> str:
        """In the fork: own mounts and IPC, fresh folders; return the working folder."""
        if _LINUX:
            _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
                score.write("1000")  # if the machine runs out of memory, this goes first
        if not self.isolate:
            return job.get("folder") or WORK
        _call("unshare", _CLONE_NEWNS | _CLONE_NEWIPC)
        _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
        size = f"size={job['disk']},nr_inodes=4096,mode=0700".encode()
        flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
        for folder in (WORK, "/tmp", "/dev/shm"):
            _call("mount", b"tmpfs", folder.encode(), b"tmpfs", flags, size)
        _call("mount", b"tmpfs", b"/proc", b"tmpfs", flags | _MS_RDONLY, b"size=4k,nr_inodes=2")
        return WORK

    def close_others(self, first: int) -> None:
        """Close every inherited file from number `first` on."""
        os.closerange(first, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))

    def drop(self, job: dict) -> None:
        """In the fork: set the limits, then give up capabilities and dangerous system calls for good."""
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": job["cpu"],
            "RLIMIT_FSIZE": job["file"],
            "RLIMIT_NOFILE": job["open_files"],
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_MEMLOCK": 0,
        }
        if _LINUX:
            limits["RLIMIT_AS"] = job["memory"] + self._mapped
        if job["processes"]:
            limits["RLIMIT_NPROC"] = job["processes"]
        for name, value in limits.items():
            number = getattr(resource, name, None)
            if number is not None:
                hard = resource.getrlimit(number)[1]
                value = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(number, (value, value + 1 if name == "RLIMIT_CPU" and hard < 0 else value))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if not _LINUX:
            return
        if self.isolate:
            _drop_capabilities()
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if self._filter:
            _load(self._filter)


def warm(config: dict) -> None:
    """Import what submissions use, read the tables once, and run the usual pandas operations so that nothing is lazy."""
    import IPython.core.display_functions
    import IPython.display
    import numpy as np
    import pandas as pd

    import helpers.analysis
    import helpers.exercises
    from helpers import evidence

    for name in config["preload"]:
        __import__(name)
    helpers.exercises.check = _quiet  # hints are for the student's own notebook
    IPython.display.display = IPython.core.display_functions.display = _quiet
    _keep_tables(evidence, config["data"], config["clocks"])
    frame = pd.DataFrame({"k": ["a", "b", "a"], "n": [1, 2, 3], "d": pd.to_datetime(["2024-01-01"] * 3)})
    frame.query("n > 1").merge(frame, on="k").groupby("k").agg(total=("n_x", "sum")).reset_index().sort_values("total")
    frame.pivot_table(index="k", columns="n", values="n", aggfunc="count", fill_value=0)
    frame.assign(y=frame["d"].dt.year, u=frame["k"].str.upper()).groupby(["k", "y"])["n"].mean().unstack().round(1)
    frame["k"].value_counts(normalize=True).to_dict(), frame.drop_duplicates("k").set_index("k").loc["a"]
    for value in (frame, frame.set_index("k")["n"], {"a": [1, np.float64(2)]}, {1, 2}, np.arange(3)):
        answers.encode(value)
    with contextlib.redirect_stdout(io.StringIO()):
        Shell({}).run_cell("%time 1 + 1")
        print(frame, frame["n"].describe())
    random.seed(0)
    np.random.seed(0)
    global _SEED
    _SEED = random.getstate()
    gc.collect()
    gc.freeze()  # the forks share these pages for good


def _keep_tables(evidence, data: str, clocks: list[str | None]) -> None:
    """Let ``evidence.load`` and ``read_table`` hand out copies (lazy ones) of what was read before the fork."""
    from dataclasses import fields, replace
    from functools import wraps
    from pathlib import Path

    import pandas as pd

    folder = Path(data).resolve()
    described = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    tables, states = {}, {}
    read, load = evidence.read_table, evidence.load
    for resource_ in described:
        with contextlib.suppress(Exception):  # an outline, or a table that the student's own call will complain about
            tables[resource_["name"]] = read(folder, resource_["name"])

    @wraps(read)
    def read_table(data_dir, name):
        if name in tables and Path(data_dir).resolve() == folder:
            return tables[name].copy(deep=False)
        return read(data_dir, name)

    @wraps(load)
    def load_once(data_dir=None, as_of=None):
        clock = evidence.as_date(as_of)
        where = Path(data_dir) if data_dir is not None else evidence.find_data()
        if where.resolve() != folder:
            return load(where, clock)
        if clock not in states:
            states[clock] = load(where, clock)
        state = states[clock]
        frames = {f.name: getattr(state, f.name) for f in fields(state)}
        copies = {name: value.copy(deep=False) for name, value in frames.items() if isinstance(value, pd.DataFrame)}
        return replace(state, data_dir=where, **copies)

    evidence.read_table = read_table
    for clock in clocks:
        states[evidence.as_date(clock)] = load(folder, clock)
    evidence.load = load_once


_SEED = random.getstate()


def _quiet(*_: object, **__: object) -> None:
    """Show nothing."""


def _too_long(*_: object) -> None:
    raise CellTimeout


def _told(problem: BaseException, number: int, seconds: float) -> str:
    """Return one plain line about what a cell raised, with the line of the cell."""
    try:
        if isinstance(problem, CellTimeout):
            return f"took longer than {seconds:g} s and was stopped"
        line, frames = "", problem.__traceback__
        while frames:
            if frames.tb_frame.f_code.co_filename == f"<cell {number + 1}>":
                line = f"line {frames.tb_lineno}: "
            frames = frames.tb_next
        if isinstance(problem, SyntaxError) and problem.lineno:
            line = f"line {problem.lineno}: "
        words = problem.msg if isinstance(problem, SyntaxError) else str(problem)
        return " ".join(f"{line}{type(problem).__name__}: {words}".split())[:500].rstrip(": ")
    except BaseException:
        return "raised an error that cannot be shown"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _readable(control: socket.socket, others: list[int]) -> bool:
    ready, _, _ = select.select([control, *others], [], [], _POLL)
    return control in ready


def _end(child: int, guard: Guard) -> None:
    kill = (lambda: os.kill(child, signal.SIGKILL)) if guard.isolate else (lambda: os.killpg(child, signal.SIGKILL))
    with contextlib.suppress(OSError):
        kill()


def _memory(pid: int | str) -> int:
    """Return the resident bytes of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0


def _grown(base: int) -> int:
    """Return by how many bytes all processes but this one and bubblewrap's have grown past the warm process."""
    others = (pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid()))
    return sum(max(0, _memory(pid) - base) for pid in others)


def _address_space() -> int:
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0  # not Linux


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library; OSError names it when it fails."""
    if getattr(_libc(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _drop_capabilities() -> None:
    libc = _libc()
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # past the last one that this kernel knows
    header = array.array("I", [0x20080522, 0]).tobytes()  # version 3 of the call, this process
    _call("capset", header, bytes(24))


def _seccomp_filter() -> bytes:
    """Return the filter program, built by libseccomp for this machine's architecture."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        raise OSError(2, "libseccomp.so.2 is missing. Debian, Ubuntu: apt-get install libseccomp2") from None

    class Compare(ctypes.Structure):
        _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_void_p,
    ]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(0x7FFF0000)  # allow what no rule denies

    def deny(name: str, errno: int, *compare: Compare) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not a system call of this architecture
        conditions = (Compare * len(compare))(*compare)
        if library.seccomp_rule_add_array(context, 0x00050000 | errno, number, len(compare), conditions) != 0:
            raise OSError(errno, f"libseccomp took no rule for {name}")

    for name in _DENIED.split():
        deny(name, _EPERM)
    deny("clone3", _ENOSYS)  # its flags cannot be seen by a filter; the C library then takes clone
    masked_equal, equal, greater = 7, 4, 6
    for flag in _CLONE_NAMESPACES:
        deny("clone", _EPERM, Compare(0, masked_equal, flag, flag))
    for family in range(3, 10):  # only local and internet sockets: netlink, vsock, crypto and others stay shut
        deny("socket", _EAFNOSUPPORT, Compare(0, equal, family, 0))
    deny("socket", _EAFNOSUPPORT, Compare(0, greater, 10, 0))
    descriptor = os.memfd_create("filter")
    try:
        if library.seccomp_export_bpf(context, descriptor) != 0:
            raise OSError(22, "libseccomp could not write its filter")
        size = os.lseek(descriptor, 0, os.SEEK_END)
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)
        library.seccomp_release(context)


def _load(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    _call("prctl", _PR_SET_SECCOMP, 2, ctypes.byref(Program(len(program) // 8, program)), 0, 0)
