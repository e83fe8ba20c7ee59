"""Our end of the warm process (warm.py): starting it, asking it for kernels, ending it.

Imports the standard library only, so that the warm process is started before anything slow is imported here.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .errors import RunError

WARM_SCRIPT = Path(__file__).with_name("warm.py")
FORK_SECONDS = 120  # before its first fork the warm process imports everything, perhaps on a slow and busy machine
STOP_SECONDS = 5


def can_fork() -> bool:
    """Whether kernels can be forked here: not on Windows, and on macOS not safely once numpy has been imported."""
    return hasattr(os, "fork") and hasattr(os, "waitid") and sys.platform != "darwin"


class ForkedKernel:
    """A kernel's process, with the part of subprocess.Popen's interface that jupyter_client asks for."""

    stdin = stdout = stderr = None

    def __init__(self):
        self.pid = None
        self.returncode = None
        self.started = threading.Event()
        self.ended = threading.Event()

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired("kernel", timeout)
        return self.returncode

    def send_signal(self, number):
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


class WarmProcess:
    """A context: the process that forks kernels lives inside it. `fork` may be called from any thread."""

    def __init__(self):
        if not can_fork():
            raise RunError("This system cannot fork kernels. Run without warm kernels.")
        self.folder = tempfile.mkdtemp(prefix="warm-")
        self.log = Path(self.folder, "log")
        self.kernels: dict[int, ForkedKernel] = {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.connection, theirs = socket.socketpair()
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(WARM_SCRIPT), str(theirs.fileno()), self.folder],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is meant for us; we then end the kernels
            )
        threading.Thread(target=self._listen, name="warm-process", daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def fork(self, argv, cwd, env) -> ForkedKernel:
        """Start a kernel with ipykernel's arguments `argv`. RuntimeError if there is none."""
        kernel = ForkedKernel()
        with self.lock:
            number = next(self.numbers)
            self.kernels[number] = kernel
            request = {"id": number, "argv": list(argv), "cwd": str(cwd or ""), "env": dict(env)}
            self.connection.sendall(json.dumps(request).encode() + b"\n")
        if not kernel.started.wait(FORK_SECONDS) or kernel.pid is None:
            raise RuntimeError("the process that forks kernels has ended")
        return kernel

    def _listen(self):
        try:
            with self.connection.makefile("rb") as events:
                for line in events:
                    event = json.loads(line)
                    kernel = self.kernels[event["id"]]
                    if "pid" in event:
                        kernel.pid = event["pid"]
                        kernel.started.set()
                    else:
                        self._end(kernel, event["exit"])
        except (OSError, ValueError):
            pass
        with self.lock:
            for kernel in self.kernels.values():
                self._end(kernel, -signal.SIGKILL)

    @staticmethod
    def _end(kernel, code):
        if kernel.returncode is None:
            kernel.returncode = code
        kernel.started.set()
        kernel.ended.set()

    def stop(self):
        """End the process and with it every kernel that it forked."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)
