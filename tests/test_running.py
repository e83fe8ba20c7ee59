"""`course build` and `course store` on small notebooks written here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.running import RunError, build, check, forking, store
from helpers.running.notebooks import joined

needs_fork = pytest.mark.skipif(not forking.can_fork(), reason="this system cannot fork kernels")

FIGURE = """\
import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import HTML, display
figure = go.Figure(go.Scatter(y=[1, 3, 2], text=["</script><b>x", "b", "c"]))
figure.update_layout(height=320, meta={"alt": 'A "line" rises to 3 & falls < 3.'})
figure"""
TWIN = """\
live = go.FigureWidget(figure)
bundle = live._repr_mimebundle_()
bundle = bundle[0] if isinstance(bundle, tuple) else bundle
twin = {"application/vnd.plotly.v1+json": json.loads(figure.to_json()), "text/html": "twin", "text/plain": "twin"}
display({"application/vnd.jupyter.widget-view+json": bundle["application/vnd.jupyter.widget-view+json"]} | twin, raw=True)
slider = widgets.IntSlider(description="year")
display(slider)"""
VOLATILE = """\
import uuid, sys, pandas as pd, plotly.io as pio
display(object(), HTML(f'<p id="{uuid.uuid4()}">'), pd.DataFrame({"a": [1]}).style.set_caption("t"))
print(pio.renderers.default, __name__, sys.argv[0].endswith("ipykernel_launcher.py"), sys.path[0], type(get_ipython()))
print(pd.get_option("display.max_rows"), os.path.basename(os.getcwd()), "stdin" in dir(sys), slider.comm is not None)
for i in range(300): print(i, flush=True)"""
STATE = """\
import os, builtins, numpy, plotly.graph_objects as go
seen = [hasattr(builtins, "left_behind"), hasattr(go, "left_behind"), "figure" in globals()]
builtins.left_behind = go.left_behind = True
print(json.dumps({"seen": seen, "random": numpy.random.rand(), "pid": os.getpid(), "parent": os.getppid()}))"""


def notebook(*cells):
    nb = new_notebook(cells=[new_markdown_cell(c[3:]) if c.startswith("md:") else new_code_cell(c) for c in cells])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for cell in nb.cells:
        if cell.source.startswith("as_of ="):
            cell.metadata.tags = ["parameters"]
        if "on purpose" in cell.source:
            cell.metadata.tags = ["raises-exception"]
    return nb


def write(folder, **notebooks):
    for name, nb in notebooks.items():
        path = folder / f"{name.replace('__', '/').replace('_', '-').removeprefix('n')}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, path)
    return folder


def printed(path):
    nb = nbformat.read(path, as_version=4)
    return "".join(o.text for cell in nb.cells for o in cell.get("outputs", []) if o.output_type == "stream")


def outputs(path):
    nb = nbformat.read(path, as_version=4)
    return [o for cell in nb.cells for o in cell.get("outputs", [])]


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two lessons and an appendix notebook, built with a clock."""
    root = tmp_path_factory.mktemp("course")
    links = "md:# What *figures* show & hide\n\nSee [H-054](evidence/H.md#H-054), [next](02-state.ipynb), [out](https://example.org/x.ipynb), [readme](../README.md)."
    clock = 'print(as_of, open("note.txt").read())'
    source = write(
        root / "notebooks",
        n01_figure=notebook(links, "as_of = None", "import json", FIGURE, TWIN, clock, STATE, "1 / 0  # on purpose"),
        n02_state=notebook("as_of = None", "import json", STATE),
        evidence__P=notebook("md:### P-001\n\nAs [H-054](H.md#H-054).", "raise SystemExit('the appendix is not run')"),
    )
    entry = "<!-- made -->\n\n# History\n\n### H-054\n\nIt cost $5 or $6. [Lesson](../01-figure.ipynb)"
    (source / "evidence/H.md").write_text(entry)
    (source / "note.txt").write_text("read beside the lesson")
    said = []
    build(source, root / "out", as_of="2024-08-31", jobs=2, echo=said.append)
    return root / "out", said


def test_build_makes_a_notebook_and_a_page_of_each(built):
    out, said = built
    made = ["01-figure.ipynb", "02-state.ipynb", "evidence/H.md", "evidence/P.ipynb"]
    assert files(out) == sorted([*made, *[f"{name.split('.')[0]}.html" for name in made], "plotly.min.js"])
    assert len(said) == 1 and said[0].startswith("2 lessons executed")


def test_build_sets_the_clock_and_runs_beside_the_lesson(built):
    assert "2024-08-31 read beside the lesson" in printed(built[0] / "01-figure.ipynb")


def test_an_error_taught_on_purpose_does_not_stop_the_lesson(built):
    assert any(o.get("ename") == "ZeroDivisionError" for o in outputs(built[0] / "01-figure.ipynb"))


def test_no_widget_is_saved_and_its_twin_stays(built):
    path = built[0] / "01-figure.ipynb"
    assert "widgets" not in json.loads(path.read_text())["metadata"]
    bundles = [o.data for o in outputs(path) if "data" in o]
    assert not any("widget" in mime for data in bundles for mime in data)
    assert any({"application/vnd.plotly.v1+json", "text/html", "text/plain"} == set(data) for data in bundles)
    assert bundles[-1] == {"text/plain": "Interactive control: it works where a kernel runs, in JupyterLab."}


def test_figures_are_drawn_by_the_one_plotly_file_and_named_by_their_alt_text(built):
    page = BeautifulSoup((built[0] / "01-figure.html").read_text(), "html.parser")
    places = page.select("div.figure")
    data = [page.select_one(f'script[type="application/json"]#{place["id"]}-data').string for place in places]
    assert [(place["role"], place["aria-label"]) for place in places] == [
        ("img", 'A "line" rises to 3 & falls < 3.')
    ] * 2
    figure = json.loads(data[0])
    assert figure["data"][0]["text"][0] == "</script><b>x" and figure["layout"]["height"] == 320
    assert [script["src"] for script in page.select("script[src]")] == ["plotly.min.js"]
    assert (built[0] / "plotly.min.js").stat().st_size > 1_000_000


def test_pages_load_nothing_from_elsewhere(built):
    for path in built[0].rglob("*.html"):
        loads = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=.?(?:https?:)?//[^>]*>", path.read_text())
        assert not loads, path.name
        assert "import " not in "".join(re.findall(r"<script>(.*?)</script>", path.read_text(), re.DOTALL))


def test_links_and_headings_fit_the_pages(built):
    page, appendix = (built[0] / "01-figure.html").read_text(), (built[0] / "evidence/H.html").read_text()
    assert 'href="evidence/H.html#H-054"' in page and 'href="02-state.html"' in page
    assert 'href="https://example.org/x.ipynb"' in page and 'href="../README.md"' in page
    assert 'href="../01-figure.html"' in appendix and "<title>History</title>" in appendix and "$5 or $6" in appendix
    assert 'href="H.html#H-054"' in (built[0] / "evidence/P.html").read_text()
    assert '<h3 id="H-054">H-054</h3>' in appendix
    assert '<html lang="en">' in page and "<title>What figures show &amp; hide</title>" in page


def test_a_browser_without_network_draws_the_figures(built, chromium):
    playwright = pytest.importorskip("playwright.sync_api")
    asked, errors = [], []
    with playwright.sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((built[0] / "01-figure.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.figure .scatterlayer path.js-line').length == 2")
        heights = page.evaluate("[...document.querySelectorAll('.figure svg.main-svg')].map(e => e.clientHeight)")
        page.goto((built[0] / "evidence/H.html").as_uri() + "#H-054")
        assert page.locator(":target").inner_text() == "H-054"
        browser.close()
    assert 320 in heights and errors == []
    assert {url.split(":")[0] for url in asked} == {"file"} and not any("favicon" in url for url in asked)


@needs_fork
def test_each_lesson_has_a_clean_kernel_forked_from_one_process(built):
    states = [json.loads(printed(built[0] / f"{n}.ipynb").splitlines()[-1]) for n in ("01-figure", "02-state")]
    first, second = states
    assert first["parent"] == second["parent"] and first["pid"] != second["pid"]
    assert first["seen"] == [False, False, True] and second["seen"] == [False, False, False]
    assert first["random"] != second["random"]
    for pid in (first["pid"], first["parent"]):
        assert not alive(pid)


@needs_fork
def test_a_forked_kernel_can_be_interrupted_and_hears_its_widgets(tmp_path):
    from jupyter_core.utils import run_sync

    from helpers.running.kernels import Kernels

    async def play(manager):
        await manager.start_kernel(cwd=tmp_path)
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready()
        printed = []

        async def run(code, meanwhile=None):
            def hear(message):
                if message["msg_type"] == "stream":
                    printed.append(message["content"]["text"].strip())
                if meanwhile and message["content"].get("text", "").strip() == "now":
                    meanwhile()

            return (await client.execute_interactive(code, output_hook=hear, timeout=30))["content"]

        def interrupt():
            os.killpg(manager.provisioner.pgid, signal.SIGINT)

        loop = await run("print('now', flush=True)\nwhile True: pass", interrupt)
        await run("import ipywidgets\nslider = ipywidgets.IntSlider(1)\nprint(slider.model_id)")
        content = {"comm_id": printed[-1], "data": {"method": "update", "state": {"value": 7}, "buffer_paths": []}}
        client.shell_channel.send(client.session.msg("comm_msg", content))
        await run("print(slider.value)")
        return loop["ename"], printed[-1]

    with forking.WarmProcess() as warm, Kernels(warm) as kernels:
        manager = kernels.new_manager()
        try:
            assert run_sync(play)(manager) == ("KeyboardInterrupt", "7")
        finally:
            kernels.release(manager)


def test_storing_is_repeatable_and_a_forked_kernel_gives_what_an_ordinary_one_gives(tmp_path):
    cells = ["md:# Lesson", "as_of = None", "import json, os", FIGURE, TWIN, VOLATILE]
    source = write(tmp_path / "lessons", n01_one=notebook(*cells))
    path = source / "01-one.ipynb"
    before = nbformat.read(path, as_version=4)
    assert store(source, echo=lambda _: None) == [path]
    text = path.read_text()
    assert "2999" not in text and "299\\n" in text and "plotly_mimetype __main__ True" in text
    assert "True" in printed(path).splitlines()[1]
    assert not re.search(r"0x[0-9a-f]{6}|iopub|papermill|widget-state", text)
    after = nbformat.read(path, as_version=4)
    keep = [(c.id, c.source, c.metadata) for c in before.cells]
    assert [(c.id, c.source, c.metadata) for c in after.cells] == keep
    counts = [c.execution_count for c in after.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert store(source, warm=False, echo=lambda _: None) == []
    assert path.read_text() == text and files(source) == ["01-one.ipynb"]


def test_what_is_printed_is_stored_the_same_however_the_kernel_cuts_it():
    def stream(name, text):
        return new_output("stream", name=name, text=text)

    picture = new_output("display_data", data={"text/plain": "picture"})
    cut = [stream("stderr", "w1"), stream("stdout", "1\r2\r3\n"), stream("stderr", "w2"), stream("stdout", "end")]
    whole = [stream("stdout", "3\nend"), stream("stderr", "w1w2")]
    assert joined([*cut, picture, stream("stdout", "x")]) == [*whole, picture, stream("stdout", "x")]


def test_checking_compares_the_marked_cells_only(tmp_path):
    mark = "# NBVAL_CHECK_OUTPUT\n"
    read = "open('value').read()"
    source = write(tmp_path / "lessons", n01_one=notebook("as_of = None", mark + read, read, mark + "print(object())"))
    (source / "value").write_text("29 claims")
    store(source, warm=False, echo=lambda _: None)
    assert check(source, warm=False) == []
    (source / "value").write_text("30 claims")
    said = []
    assert check(source, warm=False, echo=said.append) == said and len(said) == 1
    assert said[0].startswith("01-one.ipynb, cell 2: the output is not the stored one.")


def test_failing_lessons_are_told_and_leave_nothing(tmp_path):
    source = write(
        tmp_path / "lessons",
        n01_fails=notebook(
            "md:# One", "as_of = None", "total = 1\nshare = total / 0\nprint(share)\nprint(1)\nprint(2)"
        ),
        n02_loops=notebook("while True: pass"),
        n03_dies=notebook("x = 1", "import os\nos._exit(3)"),
        n04_fine=notebook("print('fine')"),
        n05_syntax=notebook("as_of = None\n", "x = ="),
    )
    for nb in source.glob("0[234]*"):
        content = nbformat.read(nb, as_version=4)
        content.cells.insert(0, new_code_cell("as_of = None", metadata={"tags": ["parameters"]}))
        nbformat.write(content, nb)
    with pytest.raises(RunError) as caught:
        build(source, tmp_path / "out", as_of="2024-01-01", jobs=5, cell_seconds=2, echo=lambda _: None)
    one, two, three, five = str(caught.value).split("\n\n")
    expected = ["01-fails.ipynb, cell 3 failed:", "    total = 1", "    share = total / 0", "    print(share)", "    …"]
    assert one.splitlines() == [*expected, "  ZeroDivisionError: division by zero"]
    assert "02-loops.ipynb, cell 2" in two and "longer than 2 seconds" in two
    assert "03-dies.ipynb, cell 3" in three and "kernel died" in three
    assert "05-syntax.ipynb, cell 2" in five and "SyntaxError" in five
    assert caught.value.exit_code == 1
    assert files(tmp_path / "out") == ["04-fine.html", "04-fine.ipynb", "plotly.min.js"]


@pytest.mark.parametrize("warm", [pytest.param(True, marks=needs_fork), False])
def test_ctrl_c_ends_in_one_message_and_leaves_no_process_and_no_file(tmp_path, warm):
    loop = "open('started', 'w').write(str(os.getpid()))\nwhile True: pass"
    child = "import os, subprocess\nopen('child', 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"
    source = write(tmp_path / "lessons", n01_loop=notebook(child, loop))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    code = (
        "import sys\nfrom helpers.running import RunError, build\n"
        f"try: build({str(source)!r}, {str(tmp_path / 'out')!r}, warm={warm}, html=False)\n"
        "except RunError as error: print(error); sys.exit(error.exit_code)"
    )
    env = os.environ | {"TMPDIR": str(temporary)}
    run = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True, env=env)
    wait_for(lambda: (source / "started").exists() and (source / "started").read_text())
    pids = [int((source / name).read_text()) for name in ("started", "child")]
    assert all(alive(pid) for pid in pids)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert out.startswith("Stopped.") and len(out.splitlines()) == 1 and err == ""
    wait_for(lambda: not any(alive(pid) for pid in pids), seconds=5)
    assert not (tmp_path / "out").exists() and files(temporary) == []


def test_kernels_end_when_the_build_is_killed(tmp_path):
    if not forking.can_fork():
        pytest.skip("this system cannot fork kernels")
    source = write(
        tmp_path / "lessons",
        n01_loop=notebook("import os\nopen('started', 'w').write(str(os.getpid()))\nwhile True: pass"),
    )
    code = f"from helpers.running import build\nbuild({str(source)!r}, {str(tmp_path / 'out')!r}, html=False)"
    (tmp_path / "tmp").mkdir()
    env = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    run = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, env=env)
    wait_for(lambda: (source / "started").exists() and (source / "started").read_text())
    pid = int((source / "started").read_text())
    run.kill()
    run.communicate(timeout=20)
    wait_for(lambda: not alive(pid) and os.listdir(tmp_path / "tmp") == [], seconds=5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"as_of": "2024-13-01"}, "'2024-13-01' is no date. Write year-month-day, as in 2024-08-31."),
        ({"as_of": "31.8.2024"}, "'31.8.2024' is no date"),
        ({"only": ["01-one", "09-none"]}, "There is no lesson '09-none' in .* Lessons: 01-one, 02-two"),
        ({"as_of": "2024-08-31", "only": ["02-two"]}, "02-two.ipynb has no parameter 'as_of'. It has no cell tagged"),
        ({"parameters": {"clock": 1}, "only": "01-one"}, "01-one.ipynb has no parameter 'clock'. It has: as_of."),
        ({"jobs": 0}, "0 jobs"),
        ({"only": "03-broken"}, "03-broken.ipynb is not a notebook: Expecting"),
        ({"only": "04-old"}, "04-old.ipynb is not a notebook: it is not in notebook format 4"),
        ({"out_dir": "lessons"}, "holds the lessons themselves"),
        ({"out_dir": "lessons/01-one.ipynb"}, "is a file"),
        ({"notebooks_dir": "nowhere"}, "There is no folder nowhere"),
        ({"notebooks_dir": "empty"}, "holds no lesson"),
    ],
)
def test_wrong_requests_are_refused_in_a_sentence(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    write(Path("lessons"), n01_one=notebook("as_of = None"), n02_two=notebook("x = 1"))
    Path("lessons/03-broken.ipynb").write_text("{'a': ")
    Path("lessons/04-old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    before = files(tmp_path)
    with pytest.raises(RunError, match=message):
        build(**{"notebooks_dir": "lessons", "out_dir": "out", "html": False, "warm": False} | options)
    assert files(tmp_path) == before


def test_a_page_that_would_need_the_network_is_refused(tmp_path):
    source = write(
        tmp_path / "lessons",
        n01_cdn=notebook(
            "from IPython.display import HTML\nHTML('<script src=\"https://cdn.example.org/d3.js\"></script>')"
        ),
    )
    with pytest.raises(RunError, match=r"01-cdn: the page would load https://cdn.example.org/d3.js"):
        build(source, tmp_path / "out", warm=False, echo=lambda _: None)
    assert files(tmp_path / "out") == ["plotly.min.js"]


def test_a_kernel_that_does_not_start_is_tried_again_but_a_lesson_never_runs_twice(tmp_path, monkeypatch):
    from helpers.running import execute, kernels

    source = write(tmp_path / "lessons", n01_one=notebook("open('ran', 'a').write('once ')", "1 / 0"))
    starts = []
    start = kernels.LessonKernelManager.start_kernel

    async def start_badly(self, **options):
        starts.append(self)
        if len(starts) == 1:
            raise RuntimeError("address already in use")
        await start(self, **options)

    monkeypatch.setattr(kernels.LessonKernelManager, "start_kernel", start_badly)
    with pytest.raises(RunError, match="ZeroDivisionError"):
        build(source, tmp_path / "out", html=False, warm=False)
    assert len(starts) == 2 and (source / "ran").read_text() == "once "
    monkeypatch.setattr(execute, "STARTS", 1)
    starts.clear()
    with pytest.raises(RunError, match=r"01-one.ipynb: no kernel could be started \(address already in use\)"):
        build(source, tmp_path / "out", html=False, warm=False)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        if not Path("/proc").exists():
            try:
                os.kill(pid, 0)
            except OSError:
                return False
            return True
        return False


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
