"""A process that has imported the slow packages once and forks a Jupyter kernel for each lesson.

Run as a script (`python -P warm.py FD FOLDER`) by helpers.running.forking, never imported: importing jupyter, pandas,
plotly and ipywidgets takes far longer than running a lesson, and a fork inherits them for nothing. Each fork is an
ordinary ipykernel that has run no lesson before.

FD is a socket. It brings one JSON object per line, {"id", "argv", "cwd", "env"}, and takes back {"id", "pid"} and later
{"id", "exit"}. When the other end closes, for whatever reason, every kernel is killed and FOLDER is removed.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys

SLOW_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "pandas",
    "pandas.io.formats.html",
    "pandas.io.formats.string",
    "plotly.graph_objects",
    "plotly.io",
    "anywidget",
    "ipywidgets",
    "helpers.evidence",
    "helpers.lesson",
    "helpers.figures",
    "helpers.explorers",
    "helpers.analysis",
)
# Optional to those above, of no use to a lesson, and a second or more to import: ipykernel's debugger, and two of
# jsonschema's format checks, of durations and of international web addresses (that one builds a parser).
SLOW_AND_UNUSED = ("debugpy", "isoduration", "rfc3987_syntax")


def import_slow_modules():
    """Import what lessons use. A module that is missing or broken is left for the lesson that needs it to complain."""
    hidden = [name for name in SLOW_AND_UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    for name in SLOW_MODULES:
        try:
            importlib.import_module(name)
        except Exception:
            continue
    plotly = sys.modules.get("plotly.graph_objects")
    if plotly:
        # plotly loads its classes when they are first named; FigureWidget is the dearest
        figure = plotly.Figure(plotly.Scatter(x=[1], y=[1]))
        figure.update_layout(title="", xaxis_title="").to_json()
        _ = plotly.FigureWidget, sys.modules["plotly.io"].renderers
    for name in hidden:
        del sys.modules[name]  # a lesson that wants one may still import it


def become_kernel(request):
    """Turn this freshly forked process into the kernel that `request` describes. Does not return."""
    code = 1
    try:
        os.setsid()  # a group of its own, so that interrupting or killing it reaches what the lesson started
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"] or os.getcwd())
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # `random` reseeds itself after a fork, numpy does not
        sys.argv = ["ipykernel_launcher.py", *request["argv"]]
        run_kernel(request["argv"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.__excepthook__(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def run_kernel(argv):
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize([*argv, f"--IPKernelApp.parent_handle={os.getppid()}"])
    # Two packages look for a kernel while they are imported, which was before there was one.
    if "ipywidgets" in sys.modules:
        sys.modules["ipywidgets"].register_comm_target()
    if "plotly.io" in sys.modules:
        sys.modules["plotly.io"].renderers.default = os.environ.get("PLOTLY_RENDERER") or "plotly_mimetype"
    app.start()


class Server:
    def __init__(self, connection):
        self.connection = connection
        self.kernels = {}  # pid -> id of the request
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self):
        waiting = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            selector.register(self.wake_read, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.connection:
                        received = self.connection.recv(65536)
                        if not received:
                            return
                        *lines, waiting = (waiting + received).split(b"\n")
                        for line in lines:
                            self.start(json.loads(line), selector)
                    else:
                        os.read(self.wake_read, 4096)
                        self.reap()

    def start(self, request, selector):
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            selector.close()
            self.connection.close()
            os.close(self.wake_read)
            os.close(self.wake_write)
            become_kernel(request)
        self.kernels[pid] = request["id"]
        self.tell(id=request["id"], pid=pid)

    def reap(self):
        while self.kernels:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            kill_group(ended.si_pid)  # what the lesson left running, while the dead kernel still holds its number
            _, status = os.waitpid(ended.si_pid, 0)
            request = self.kernels.pop(ended.si_pid, None)
            if request is not None:
                self.tell(id=request, exit=os.waitstatus_to_exitcode(status))

    def tell(self, **event):
        try:
            self.connection.sendall(json.dumps(event).encode() + b"\n")
        except OSError:
            sys.exit(0)

    def stop(self):
        for pid in self.kernels:
            kill_group(pid)
            kill(pid)


def kill(pid):
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def kill_group(pid):
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def main(fd, folder):
    for name in ("JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_INTERRUPT_EVENT"):
        os.environ.pop(name, None)  # set where the command was typed in a Jupyter terminal; it is not our parent
    server = Server(socket.socket(fileno=fd))
    try:
        import_slow_modules()
        gc.collect()
        gc.freeze()  # so that the collector of a fork does not touch, and so copy, every page it inherited
        server.serve()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # taking all these modules apart in order would only take time


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
