// The list of claims, on the ledger's page (filtered by its form) and on the search page (filtered by the words searched for).
"use strict";

(() => {
  const { claims, actors } = window.LEDGER;
  const list = document.getElementById("ledger");
  const count = document.getElementById("ledger-count");
  const form = document.getElementById("ledger-form");
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/ı/g, "i").toLowerCase();
  const named = (claim) => claim.actors.map((code) => actors[code] ?? code);
  const link = (key) => {
    const a = document.createElement("a");
    a.href = `evidence/${key[0]}.html#${key}`;
    a.textContent = key;
    return a;
  };
  const element = (name, className, ...inside) => {
    const made = document.createElement(name);
    made.className = className;
    made.append(...inside);
    return made;
  };
  for (const claim of claims) {
    claim.text = plain([claim.key, claim.claim, claim.date, claim.theme, claim.status, ...named(claim)].join(" "));
  }

  function entry(claim) {
    const facts = [
      `${claim.origins} ${claim.origins === 1 ? "origin" : "origins"} on ${claim.pages} ${claim.pages === 1 ? "page" : "pages"}`,
      claim.theme.replaceAll("_", " "),
      ...(claim.actors.length ? [named(claim).join(", ")] : []),
    ].join(" · ");
    const more = element("p", "facts", facts);
    if (claim.against.length) {
      more.append(" · contradicted by ");
      claim.against.forEach((key, n) => more.append(n ? ", " : "", link(key)));
    }
    const head = element("p", "head", link(claim.key), " ", element("span", "date", claim.date), " ");
    head.append(element("span", `status ${claim.status}`, claim.status));
    return element("li", "", head, element("p", "claim", claim.claim), more);
  }

  function show(found, most = Infinity) {
    list.replaceChildren(...found.slice(0, most).map(entry));
    const more = found.length > most ? ` The first ${most} are shown.` : "";
    count.textContent = `${found.length} of ${claims.length} claims.${more}`;
  }

  const holds = (claim, words) => words.every((word) => claim.text.includes(word));

  if (!form) {
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    const words = plain(asked).split(/\s+/).filter(Boolean);
    if (words.length) {
      document.getElementById("claims-found").hidden = false;
      show(claims.filter((claim) => holds(claim, words)), 20);
    }
    return;
  }

  function filter() {
    const { words, theme, actor, status, since, until, against } = form.elements;
    const wanted = plain(words.value).split(/\s+/).filter(Boolean);
    show(claims.filter((claim) =>
      holds(claim, wanted) &&
      (!theme.value || claim.theme === theme.value) &&
      (!actor.value || claim.actors.includes(actor.value)) &&
      (!status.value || claim.status === status.value) &&
      (!since.value || claim.to >= Number(since.value)) &&
      (!until.value || claim.from <= Number(until.value)) &&
      (!against.checked || claim.against.length > 0)));
    const kept = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", kept.size ? `#${kept}` : location.pathname);
  }

  function fromAddress() {
    form.reset();
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const field = form.elements[name];
      if (field?.type === "checkbox") field.checked = true;
      else if (field) field.value = value;
    }
    filter();
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
})();
