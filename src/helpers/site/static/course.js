// Draws the figures, turns plotly's menus and sliders into form controls, and lets the keyboard scroll what is wider than the page.
"use strict";

const NARROW = window.matchMedia("(max-width: 44rem)");

// The contents are open on a wide screen and closed on a narrow one.
const menu = document.querySelector("details.menu");
const wide = window.matchMedia("(min-width: 64rem)");
const fold = () => { menu.open = wide.matches; };
fold();
wide.addEventListener("change", fold);

function figureOf(plot) {
  return JSON.parse(plot.querySelector('script[type="application/json"]').textContent);
}

// What plotly would draw as menus and sliders, which the keyboard does not reach: a list of {label, options: [{label, method, args}], active, slider}.
function controlsOf(layout) {
  const menus = (layout.updatemenus ?? []).map((m) => ({
    label: m.name ?? "Show", options: m.buttons, active: m.active ?? 0, slider: false,
  }));
  const sliders = (layout.sliders ?? []).map((s) => ({
    label: s.name ?? "Step", options: s.steps, active: s.active ?? 0, slider: true,
  }));
  return [...menus, ...sliders];
}

function addControls(plot, area, controls, alts) {
  const row = document.createElement("div");
  row.className = "plot-controls";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Controls of the figure");
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  controls.forEach((control, number) => {
    const label = document.createElement("label");
    const input = document.createElement(control.slider ? "input" : "select");
    const shown = document.createElement("output");
    label.append(control.label, input);
    row.append(label);
    if (control.slider) {
      Object.assign(input, { type: "range", min: 0, max: control.options.length - 1, value: control.active });
      row.append(shown);
    } else {
      control.options.forEach((option, at) => input.add(new Option(option.label, at)));
      input.value = control.active;
    }
    const tell = () => {
      const words = control.options[Number(input.value)].label;
      if (control.slider) input.setAttribute("aria-valuetext", words);
      shown.textContent = words;
    };
    const apply = async () => {
      tell();
      const option = control.options[Number(input.value)];
      await Plotly[option.method](area, ...structuredClone(option.args));
      area.style.height = `${area.layout.height}px`;
      const alt = alts?.[number]?.[Number(input.value)];
      if (alt) area.setAttribute("aria-label", alt);
      said.textContent = `${control.label}: ${option.label}. ${area.layout.title?.text ?? ""}`.replace(/<[^>]*>/g, " ");
    };
    tell();
    input.addEventListener(control.slider ? "input" : "change", apply);
  });
  plot.prepend(row);
  plot.append(said);
}

const drawn = new Set();
function draw(plot) {
  if (drawn.has(plot)) return;
  drawn.add(plot);
  const area = plot.querySelector(".plot-area");
  const figure = figureOf(plot);
  const controls = controlsOf(figure.layout);
  const room = figure.layout.meta?.room ?? 0;
  delete figure.layout.updatemenus;
  delete figure.layout.sliders;
  if (room) {
    const { legend, height } = figure.layout;
    if (legend?.yref === "container") legend.y = 1 - ((1 - legend.y) * height) / (height - room);
    figure.layout.height -= room;
    figure.layout.margin.b -= room;
    area.style.height = `${figure.layout.height}px`;
    for (const { options } of controls) {
      for (const { args } of options) if (args?.[1]?.height) args[1].height -= room;
    }
  }
  // A finger on a figure scrolls the page; the buttons still zoom.
  if (NARROW.matches || window.matchMedia("(pointer: coarse)").matches) figure.layout.dragmode = false;
  area.textContent = "";
  Plotly.newPlot(area, figure.data, figure.layout, figure.config).then(() => {
    // The label says what the drawing shows; its scattered texts would only be noise. The buttons stay reachable.
    area.querySelectorAll("svg.main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true"));
    if (figure.frames) Plotly.addFrames(area, figure.frames);
    if (controls.length) addControls(plot, area, controls, figure.layout.meta?.states);
    area.dataset.drawn = "yes";
  });
}

// The page is read before plotly, as large as twenty of them, is loaded. Figures in sight come first; the others follow while
// nothing else is to be done, so that they are there when the page is printed.
function drawAll(plots) {
  const near = new IntersectionObserver(
    (seen) => seen.filter((s) => s.isIntersecting).forEach((s) => { near.unobserve(s.target); draw(s.target); }),
    { rootMargin: "300px" },
  );
  plots.forEach((plot) => near.observe(plot));
  const rest = plots.slice();
  const next = () => {
    if (!rest.length) return;
    draw(rest.shift());
    requestIdleCallback(next, { timeout: 1000 });
  };
  requestIdleCallback(next, { timeout: 1000 });
  window.addEventListener("beforeprint", () => plots.forEach(draw));
}

const plots = [...document.querySelectorAll(".plot")];
if (plots.length) {
  window.addEventListener("load", () => {
    const plotly = document.createElement("script");
    plotly.src = `${document.documentElement.dataset.content_root}_static/plotly.min.js`;
    plotly.addEventListener("load", () => drawAll(plots));
    document.head.append(plotly);
  });
}

// What scrolls sideways inside the page takes the focus, so that arrow keys move it.
function reachable() {
  for (const box of document.querySelectorAll(".table-scroll, .plot-scroll, .cell_output .output, .highlight pre")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    box.classList.toggle("scrolls", scrolls);
    if (scrolls && !box.matches("pre")) {
      box.setAttribute("role", "group");
      const what = box.matches(".plot-scroll") ? "Figure" : "Table";
      box.setAttribute("aria-label", `${what}, scrolls sideways`);
    } else {
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  }
}
window.addEventListener("load", reachable);
window.addEventListener("resize", reachable);
