"""One kernel per lesson: forked from a warm process, or an ordinary one where there is none."""

import asyncio
import itertools
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from queue import Empty

from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import ensure_event_loop, run_sync

from .forking import WarmProcess

LONGEST_SOCKET_FOLDER = 80  # a Unix socket's path may have about 100 characters


class WarmProvisioner(LocalProvisioner):
    """Tells jupyter_client to start a kernel by forking `warm` instead of starting a new Python."""

    warm: WarmProcess

    async def launch_kernel(self, cmd, **options):
        argv = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.process = self.warm.fork(argv, options.get("cwd"), options.get("env", os.environ))
        self.pid = self.pgid = self.process.pid
        self.cwd = options.get("cwd")
        return self.connection_info


class LessonClient(AsyncKernelClient):
    """Knows sooner than its parent class that a kernel is ready, which waits for a fifth of a second without messages."""

    async def wait_for_ready(self, timeout=60):
        """Ask until a question is answered on both channels. RuntimeError if the kernel dies or takes too long."""
        end = time.monotonic() + timeout
        while True:
            question = self.kernel_info()
            try:
                reply = await self.get_shell_msg(timeout=1)
                while reply["parent_header"].get("msg_id") != question:
                    reply = await self.get_shell_msg(timeout=1)
                while not is_idle_after(question, await self.get_iopub_msg(timeout=0.2)):
                    pass
            except Empty:  # it is not up yet, or its second channel was not connected when it answered
                if not await self.is_alive():
                    raise RuntimeError("the kernel died before it was ready") from None
                if time.monotonic() > end:
                    raise RuntimeError(f"the kernel was not ready after {timeout} seconds") from None
            else:
                return self._handle_kernel_info_reply(reply)


def is_idle_after(question, message) -> bool:
    """Whether `message` ends the kernel's work on `question`."""
    return (
        message["parent_header"].get("msg_id") == question
        and message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
    )


class LessonKernelManager(AsyncKernelManager):
    """The manager of one lesson's kernel; remembers its client so that both can be closed together."""

    client_factory = LessonClient
    lesson_client = None
    kernels = None
    log_file = None

    async def start_kernel(self, **options):
        with self.log_file.open(
            "ab"
        ) as log:  # what a kernel says on its way up is of use only when it does not get there
            await super().start_kernel(env=self.kernels.env, stdout=log, stderr=log, **options)
        if self.kernels.closed:  # stopped while we were starting
            kill(process_of(self))

    def client(self, **options):
        self.lesson_client = super().client(**options)
        return self.lesson_client


class Kernels:
    """A context in which lessons get their kernels; leaves no process and no file behind.

    warm: the process to fork them from, or None for ordinary kernels.
    """

    def __init__(self, warm: WarmProcess | None = None):
        self.warm = warm
        self.closed = False
        self.managers: dict[int, LessonKernelManager] = {}
        self.numbers = itertools.count(1)
        # Inside the warm process's folder, which that process removes even when we are killed.
        self.folder = tempfile.mkdtemp(prefix="lessons-", dir=warm.folder if warm else None)
        # A profile of its own: what a teacher's personal startup files do must not show in a lesson's outputs.
        self.env = os.environ | {"IPYTHONDIR": str(Path(self.folder, "ipython"))}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_manager(self) -> LessonKernelManager:
        """A manager whose kernel nbclient will start. Give it back to `release`."""
        if self.closed:
            raise RuntimeError("the run was stopped")
        number = next(self.numbers)
        place = os.path.join(self.folder, str(number))
        manager = LessonKernelManager(kernel_name="python3", connection_file=place + ".json")
        manager.kernels = self
        manager.log_file = self.warm.log if self.warm else Path(place + ".log")
        if os.name == "posix" and len(self.folder) < LONGEST_SOCKET_FOLDER:
            manager.transport, manager.ip = "ipc", place  # files in our folder: there are no ports to race for
        if self.warm:
            spec = manager.kernel_spec
            manager.provisioner = WarmProvisioner(kernel_id=str(number), kernel_spec=spec, parent=manager)
            manager.provisioner.warm = self.warm
        self.managers[number] = manager
        return manager

    def release(self, manager: LessonKernelManager):
        """Kill the manager's kernel and close what talks to it. Call it in the thread that ran the lesson."""
        process = process_of(manager)
        if process:
            kill(process)
            process.wait(10)
            manager.provisioner.process = None
        if manager.ready.done() and not manager.ready.cancelled():
            manager.ready.exception()  # looked at, or Python complains on the terminal about a start that we tell of
        if manager.lesson_client:
            manager.lesson_client.stop_channels()
        run_sync(manager.cleanup_resources)()
        close_loop()
        for number, other in list(self.managers.items()):
            if other is manager:
                del self.managers[number]

    def process_ids(self) -> list[int]:
        """The kernels that are alive now."""
        processes = [process_of(manager) for manager in list(self.managers.values())]
        return [process.pid for process in processes if process and process.pid]

    def last_words(self, manager) -> str:
        """The last line that a kernel which never answered wrote to its log."""
        try:
            lines = manager.log_file.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def kill_all(self):
        """End every kernel now, from any thread: lessons that are running fail, and no new kernel will start."""
        self.closed = True
        for manager in list(self.managers.values()):
            process = process_of(manager)
            if process:
                kill(process)
        if self.warm:
            self.warm.stop()


def close_loop():
    """Close this thread's event loop; a lesson that was cut short leaves tasks in it."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def process_of(manager):
    return manager.provisioner.process if manager.provisioner else None


def kill(process):
    """Kill a kernel and what it started: each leads a process group of its own, except on Windows."""
    if process.poll() is not None:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
