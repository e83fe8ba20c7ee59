// The bibliography's form: hides the references that do not fit, and the letters that are then empty.
"use strict";

(() => {
  const form = document.getElementById("reference-form");
  const count = document.getElementById("reference-count");
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/ı/g, "i").toLowerCase();
  const items = [...document.querySelectorAll(".references > li")].map((li) => ({ li, text: plain(li.textContent) }));
  function filter() {
    const { words, language, view } = form.elements;
    const wanted = plain(words.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { li, text } of items) {
      const fits = wanted.every((word) => text.includes(word)) &&
        (!language.value || li.dataset.language === language.value) && (!view.value || li.dataset.view === view.value);
      li.hidden = !fits;
      shown += fits;
    }
    for (const list of document.querySelectorAll(".references")) {
      list.closest("section").hidden = !list.querySelector("li:not([hidden])");
    }
    count.textContent = `${shown} of ${items.length} sources.`;
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
})();
