"""What every figure shares: theme, title, unit, source line, alt text, data table, and how it is shown."""

from __future__ import annotations

import json
import textwrap

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio

from helpers.figures import colours
from helpers.markup import esc, plotly_text

TABLE_ROWS, _CELL_WIDTH = 40, 180
# plotly's tool bar offers to send a chart to its company's cloud unless told not to.
CONFIG = {
    "responsive": True,
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d"],
}
_SOURCE_WIDTH = 125


def theme() -> str:
    """Register the small template ``course`` once and return its name."""
    if "course" not in pio.templates:
        axis = {
            "gridcolor": colours.FAINT,
            "linecolor": colours.MIDDLE,
            "zeroline": False,
            "ticklabelstandoff": 5,
            "title": {"font": {"size": 13}},
        }
        pio.templates["course"] = go.layout.Template(
            layout={
                "font": {
                    "family": "'Source Sans 3', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
                    "size": 13,
                    "color": colours.INK,
                },
                "title": {
                    "x": 0,
                    "xref": "container",
                    "y": 1,
                    "yref": "container",
                    "yanchor": "top",
                    "pad": {"l": 12, "t": 12},
                    "font": {"size": 19},
                    "subtitle": {"font": {"size": 13, "color": colours.GREY}},
                },
                "colorway": [
                    colours.BLUE,
                    colours.ORANGE,
                    colours.GREEN,
                    colours.VERMILLION,
                    colours.PURPLE,
                    colours.SKY,
                    colours.BLACK,
                    colours.YELLOW,
                ],
                "paper_bgcolor": "white",
                "plot_bgcolor": "white",
                "hoverlabel": {
                    "bgcolor": "white",
                    "bordercolor": colours.GREY,
                    "align": "left",
                    "font": {"size": 13, "color": colours.INK},
                },
                "legend": {
                    "orientation": "h",
                    "x": 0.008,
                    "xref": "container",
                    "bgcolor": "rgba(0, 0, 0, 0)",
                    "font": {"size": 12.5},
                },
                "xaxis": axis,
                "yaxis": axis,
            }
        )
    return "course"


def finish(
    fig: go.Figure,
    *,
    title: str,
    alt: str,
    unit: str,
    source: str,
    table: pd.DataFrame | None = None,
    height: int = 440,
    left: int = 60,
    right: int = 20,
    top: int = 96,
    bottom: int = 40,
) -> go.Figure:
    """Give `fig` its theme, title, unit (under the title), source line and ``layout.meta`` (alt, unit, source, table, rows).

    `alt` says in words and numbers what the figure shows. `table` holds the data behind it, with headings for a reader; its first 40 rows
    go into ``meta``. `left`, `right`, `top`, `bottom` are margins in pixels without the source line, `height` is the whole in pixels.
    """
    lines = textwrap.wrap(f"Source: {source}", _SOURCE_WIDTH)
    below = bottom + 15 * len(lines) + 8
    if fig.layout.legend.y is None:
        fig.update_layout(legend={"yref": "container", "yanchor": "top", "y": legend_y(height)})
    records = _records(table) if table is not None else []
    fig.update_layout(
        template=theme(),
        title={"text": plotly_text(title), "subtitle": {"text": plotly_text(unit)}},
        height=height,
        margin={"l": left, "r": right, "t": top, "b": below, "autoexpand": False},
        meta={"alt": alt, "unit": unit, "source": source, "table": records, "rows": 0 if table is None else len(table)},
    )
    fig.add_annotation(
        text="<br>".join(plotly_text(line) for line in lines),
        x=0,
        y=0,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        xshift=12 - left,
        yshift=6 - below,
        align="left",
        showarrow=False,
        font={"size": 11, "color": colours.GREY},
        name="source",
    )
    middle = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 16}}
    fig.add_annotation({**middle, "name": "words", "text": " ", "visible": False})
    return fig


def legend_y(height: int) -> float:
    """Return where a legend begins in a figure of `height` pixels: under the unit, so that a second row meets nothing above it."""
    return 1 - 66 / height


def empty(title: str, reason: str, *, unit: str, source: str) -> go.Figure:
    """Return a figure that says in a sentence why it shows nothing."""
    fig = go.Figure()
    fig.update_xaxes(visible=False)
    fig.update_yaxes(visible=False)
    finish(fig, title=title, alt=reason, unit=unit, source=source, height=260)
    fig.plotly_update({}, saying(fig, reason))
    return fig


def saying(fig: go.Figure | go.FigureWidget, sentence: str) -> dict:
    """Return the layout change that writes `sentence` in the middle of a finished figure; an empty one takes it away."""
    names = [annotation.name for annotation in fig.layout.annotations]
    if "words" not in names:
        return {}
    at = f"annotations[{names.index('words')}]"
    return {f"{at}.text": plotly_text(sentence, 60) or " ", f"{at}.visible": bool(sentence)}


def install(ip) -> None:
    """Make the IPython shell `ip` show a figure as picture, then as words: see `mimebundle` and `details_html`."""
    ip.display_formatter.ipython_display_formatter.for_type(go.Figure, _show)


def mimebundle(fig: go.Figure) -> dict:
    """Return the plotly picture and, for readers without one, its alt text. The data table is left to `details_html`."""
    spec = json.loads(fig.to_json())
    meta = spec["layout"].get("meta") or {}
    if isinstance(meta, dict):
        meta.pop("table", None)
    spec["config"] = CONFIG
    return {
        "application/vnd.plotly.v1+json": spec,
        "text/plain": _meta(fig).get("alt", "A figure without a description."),
    }


def details_html(fig: go.Figure) -> str:
    """Return a closed block "What this figure shows": alt text, unit, source and the data as a table."""
    meta = _meta(fig)
    if not meta:
        return ""
    parts = [f"<p>{esc(meta['alt'])}</p>", f"<p>Unit: {esc(meta['unit'])}. Source: {esc(meta['source'])}</p>"]
    if records := meta.get("table"):
        head = "".join(f'<th scope="col">{esc(name)}</th>' for name in records[0])
        body = "".join("<tr>" + "".join(f"<td>{esc(v)}</td>" for v in r.values()) + "</tr>" for r in records)
        more = "" if meta["rows"] <= len(records) else f"<p>The first {len(records)} of {meta['rows']} rows.</p>"
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}")
    inside = "".join(parts)
    return f'<details class="mathjax_ignore"><summary>What this figure shows</summary>{inside}</details>'


def listed(counts: dict[str, int]) -> str:
    """Return counts as words: ``security 42, law 24``."""
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def cut(text: str, width: int) -> str:
    """Return `text`, shortened to `width` characters at a word's end where it is longer; hover texts and tables need no more."""
    return text if len(text) <= width else text[: width - 1].rsplit(" ", 1)[0] + "…"


def _show(fig: go.Figure) -> None:
    from IPython.display import HTML, display

    display(mimebundle(fig), raw=True)
    if details := details_html(fig):
        display(HTML(details))


def _meta(fig: go.Figure) -> dict:
    return fig.layout.meta if isinstance(fig.layout.meta, dict) else {}


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(k): _cell(v) for k, v in row.items()} for row in table.head(TABLE_ROWS).to_dict("records")]


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return cut(", ".join(str(v) for v in value), _CELL_WIDTH)
    if pd.isna(value):
        return ""
    return value.strftime("%Y-%m-%d") if isinstance(value, pd.Timestamp) else cut(str(value), _CELL_WIDTH)
