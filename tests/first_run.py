"""What a first visitor's machine does: JupyterLab beside one kernel after another, under a memory limit. Run by test_first_run.

Prints one JSON object: a line per lesson (seconds from kernel start to first figure and to the end, peak memory) and the server's own.
Memory is the proportional set size of this process's whole tree, read every 50 ms; past the limit the tree is ended, as Binder
would. Each process is also held to the limit by RLIMIT_DATA. A memory cgroup would be stricter, and needs rights that few have.
"""

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

FIGURES = {"application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"}


class Memory:
    """The largest proportional set size of this process's tree, in bytes; ends the tree past `limit`."""

    def __init__(self, limit: int):
        self.limit, self.peak, self.now = limit, 0, 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            self.now = sum(map(_proportional, self._tree()))
            self.peak = max(self.peak, self.now)
            if self.now > self.limit:
                print(f"Memory: {self.now / 1e6:.0f} MB are more than allowed.", file=sys.stderr, flush=True)
                for pid in self._tree()[1:]:
                    os.kill(pid, signal.SIGKILL)
                os._exit(3)
            time.sleep(0.05)

    @staticmethod
    def _tree() -> list[int]:
        import psutil

        return [os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))]


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    return 1024 * sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def network() -> bool:
    """Say whether anything beyond this machine can be reached."""
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=2).close()  # an address that belongs to nobody
    except OSError as error:
        return error.errno != errno.ENETUNREACH
    return True


def server(folder: Path) -> tuple[subprocess.Popen, float]:
    """Start JupyterLab as Binder does, without a browser; return it and the seconds until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--IdentityProvider.token=first", "--log-level=ERROR"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab?token=first", timeout=5):
                return process, time.perf_counter() - began
        except OSError:
            if process.poll() is not None or time.perf_counter() - began > 120:
                sys.exit("JupyterLab did not start.")
            time.sleep(0.1)


def lesson(path: Path, memory: Memory) -> dict:
    """Execute one lesson in an ordinary kernel; seconds count from the moment the kernel is asked for."""
    import nbformat
    from nbclient import NotebookClient

    first = []

    class Client(NotebookClient):
        def output(self, outs, msg, display_id, cell_index):
            if not first and FIGURES & set(msg["content"].get("data", {})):
                first.append(time.perf_counter())
            return super().output(outs, msg, display_id, cell_index)

    memory.peak = 0
    notebook = nbformat.read(path, 4)
    began = time.perf_counter()
    Client(notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return {
        "lesson": path.stem,
        "first_figure_s": round(first[0] - began, 2) if first else None,
        "whole_s": round(time.perf_counter() - began, 2),
        "peak_mb": round(memory.peak / 1e6),
    }


def main() -> None:
    folder, limit = Path(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    memory = Memory(limit)
    lab, seconds = server(folder)
    time.sleep(0.2)
    found = {"network": network(), "server_s": round(seconds, 2), "server_mb": round(memory.now / 1e6)}
    try:
        found["lessons"] = [lesson(path, memory) for path in sorted(folder.glob("notebooks/[0-9]*.ipynb"))]
    finally:
        lab.terminate()
        lab.wait(20)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
