(function () {
  "use strict";
  var root = document.documentElement, WIDTH = 960, READ = 24 / 13; // 13 px is the figures' own type
  var printing = /print-pdf|view=print/.test(location.search), embedded = /receiver/.test(location.search);

  function theme(name) { root.dataset.theme = name; }
  var kept = null;
  try { kept = localStorage.getItem("deck-theme"); } catch (error) { kept = null; }
  theme(printing ? "light" : kept || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));

  function fit(place) {
    var box = place.parentNode, plot = place.querySelector(".plot-container"), height = +place.dataset.height;
    if (!plot) { return; }
    var wide = 1240, high = place.dataset.chosen ? 595 : 655, whole = Math.min(wide / WIDTH, high / height);
    // A tall figure would shrink past reading: it begins at full width and scrolls.
    var scale = place.dataset.zoom === "on" ? READ : whole < 0.8 && !printing ? (wide - 15) / WIDTH : whole;
    box.style.height = high + "px";
    plot.style.transformOrigin = "0 0";
    plot.style.transform = "scale(" + scale + ")";
    place.style.width = Math.floor(WIDTH * scale) + "px";
    place.style.height = Math.floor(height * scale) + "px";
    box.dataset.scrolls = place.offsetHeight > high || place.offsetWidth > wide ? "yes" : "no";
  }

  // Plotly draws its lists and sliders for a mouse alone; as lists of the page they work from the keyboard.
  function lists(layout) {
    var found = (layout.updatemenus || []).map(function (menu) { return [menu.name || "Show", menu.buttons, menu.active || 0]; })
      .concat((layout.sliders || []).map(function (slider) { return [slider.name || "Step", slider.steps, slider.active || 0]; }));
    var room = (layout.meta && layout.meta.room) || 0;
    delete layout.updatemenus;
    delete layout.sliders;
    if (room) {
      layout.height -= room;
      layout.margin.b -= room;
      found.forEach(function (each) {
        each[1].forEach(function (step) { if (step.args && step.args[1] && step.args[1].height) { step.args[1].height -= room; } });
      });
    }
    return found;
  }

  function choose(place, found, told) {
    var row = document.createElement("div");
    row.className = "choices";
    found.forEach(function (each, number) {
      var label = document.createElement("label"), list = document.createElement("select");
      label.append(each[0] + " ", list);
      each[1].forEach(function (step, at) { list.add(new Option(step.label.replace(/<[^>]*>/g, " "), at)); });
      list.value = each[2];
      list.addEventListener("change", function () {
        var step = each[1][list.value], words = told && told[number] && told[number][list.value];
        if (step.method === "skip") { return; }
        Plotly[step.method].apply(Plotly, [place].concat(structuredClone(step.args))).then(function () {
          place.dataset.height = place.layout.height || place.dataset.height;
          if (words) { place.setAttribute("aria-label", words); }
          fit(place);
        });
      });
      row.append(label);
    });
    place.parentNode.before(row);
  }

  function draw(place) {
    if (place.dataset.drawn) { return Promise.resolve(); }
    place.dataset.drawn = "yes";
    var figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
    var given = Object.assign({ height: +place.dataset.height }, figure.layout), found = lists(given);
    var layout = Object.assign(given, { width: WIDTH, autosize: false });
    place.dataset.height = layout.height;
    place.textContent = "";
    return Plotly.newPlot(place, figure.data, layout, { displayModeBar: false, responsive: false, scrollZoom: false })
      .then(function () { return figure.frames.length ? Plotly.addFrames(place, figure.frames) : null; })
      .then(function () {
        place.querySelectorAll("svg").forEach(function (svg) { svg.setAttribute("aria-hidden", "true"); });
        if (found.length && !printing) {
          place.dataset.chosen = "yes";
          choose(place, found, layout.meta && layout.meta.states);
        }
        fit(place);
      });
  }

  function figures(slide) { return slide ? [].slice.call(slide.querySelectorAll(".figure")) : []; }

  function around() {
    figures(Reveal.getCurrentSlide()).forEach(draw);
    var next = Reveal.getSlides()[Reveal.getSlidePastCount() + 1];
    (window.requestIdleCallback || setTimeout)(function () { figures(next).forEach(draw); });
  }

  function zoom() {
    figures(Reveal.getCurrentSlide()).forEach(function (place) {
      place.dataset.zoom = place.dataset.zoom === "on" ? "off" : "on";
      fit(place);
      place.parentNode.focus();
    });
  }

  function tick(button) {
    var left = Math.round((+button.dataset.ends - Date.now()) / 1000), late = left < 0;
    var whole = Math.abs(left);
    button.textContent = (late ? "over by " : "") + Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
    button.classList.toggle("over", left <= 0);
  }

  document.querySelectorAll(".timer").forEach(function (button) {
    var running = null, first = button.textContent;
    button.addEventListener("click", function () {
      if (running) {
        clearInterval(running); running = null; button.textContent = first; button.classList.remove("over");
        return;
      }
      button.dataset.ends = Date.now() + button.dataset.minutes * 60000;
      tick(button);
      running = setInterval(tick, 500, button);
    });
  });

  // Keys that belong to what has the focus: a button's own, and the arrows of an enlarged figure.
  function ours(event) {
    if (document.querySelector(":popover-open")) { return false; }
    var at = event.target.closest ? event.target : document.body;
    if (at.closest("select")) { return event.key === "Escape"; }
    if (at.closest("button, a, summary") && (event.key === " " || event.key === "Enter")) { return false; }
    if (/^Arrow|^Page|^Home|^End/.test(event.key) && at.closest(".window[data-scrolls=yes], .table")) {
      return /^ArrowLeft|^ArrowRight/.test(event.key) && at.scrollWidth <= at.clientWidth + 2;
    }
    return true;
  }

  Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false, hash: !embedded, history: false,
    respondToHashChanges: true, controls: false, progress: true, slideNumber: "c/t", navigationMode: "linear",
    transition: "none", backgroundTransition: "none", help: false, pdfSeparateFragments: false, showNotes: false, viewDistance: 2, display: "flex",
    totalTime: TOTAL_SECONDS, keyboardCondition: ours, plugins: [RevealNotes],
    keyboard: {
      68: function () {
        theme(root.dataset.theme === "dark" ? "light" : "dark");
        try { localStorage.setItem("deck-theme", root.dataset.theme); } catch (error) { /* a browser may keep nothing */ }
      },
      80: function () { location.href = location.pathname + "?print-pdf"; },
      90: zoom,
      191: function () { document.getElementById("keys").togglePopover(); },
      63: function () { document.getElementById("keys").togglePopover(); }
    }
  }).then(function () {
    Reveal.on("slidechanged", around);
    around();
    if (printing) {
      var all = [].slice.call(document.querySelectorAll(".figure")).map(draw);
      Promise.all(all).then(function () { root.dataset.ready = "yes"; });
    } else { root.dataset.ready = "yes"; }
  });
})();
