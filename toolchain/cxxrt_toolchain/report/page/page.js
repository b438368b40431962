// What the page can do beyond being read: theme, copying, the graph, sorting and filtering.
// It reads the document only; there is no other data, and nothing is fetched.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function theme() {
    const root = document.documentElement;
    const button = $("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const store = (value) => { try { localStorage.setItem("cxxrt-theme", value); } catch { /* no storage here */ } };
    const stored = () => { try { return localStorage.getItem("cxxrt-theme"); } catch { return null; } };
    const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
    const label = () => { button.textContent = dark() ? "Light" : "Dark"; };
    const before = stored();
    if (before === "dark" || before === "light") root.dataset.theme = before;
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      store(root.dataset.theme);
      label();
    });
    system.addEventListener("change", label);
    button.setAttribute("aria-label", "Switch between light and dark");
    button.hidden = false;
    label();
  }

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function copying() {
    for (const command of all(".command")) {
      const text = command.querySelector("code").textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy: ${text}`);
      button.addEventListener("click", async () => {
        button.textContent = (await copied(text)) ? "Copied" : "Not copied";
        button.focus();
        setTimeout(() => { button.textContent = "Copy"; }, 1600);
      });
      command.append(button);
    }
  }

  function graph() {
    const svg = $("graph");
    if (!svg) return;
    const panel = $("panel");
    const empty = [...panel.childNodes];
    const nodes = all("a.node", svg);
    const parts = all("[data-s]", svg);
    let pinned = null;

    // Down from a node to what it uses, with the captures there; up to what uses it.
    function related(id) {
      const lit = new Set([id]);
      const edges = new Set();
      const captures = (part) => part.classList.contains("binds");
      for (const [from, to] of [["s", "t"], ["t", "s"]]) {
        const ends = [id];
        const seen = new Set(ends);
        while (ends.length) {
          const end = ends.pop();
          for (const part of parts) {
            const touches = part.dataset[from] === end || (captures(part) && part.dataset[to] === end && from === "s");
            if (!touches) continue;
            edges.add(part);
            const other = part.dataset[part.dataset[from] === end ? to : from];
            lit.add(other);
            if (!seen.has(other) && !captures(part)) { seen.add(other); ends.push(other); }
          }
        }
      }
      return { lit, edges };
    }

    function show(node) {
      const chosen = node ? related(node.id) : null;
      svg.classList.toggle("busy", Boolean(node));
      for (const each of nodes) {
        each.classList.toggle("lit", Boolean(chosen && chosen.lit.has(each.id)));
        each.classList.toggle("chosen", each === pinned);
      }
      for (const part of parts) part.classList.toggle("lit", Boolean(chosen && chosen.edges.has(part)));
      const text = node && $(`t${node.id}`);
      if (text) {
        const copy = text.cloneNode(true);
        copy.removeAttribute("id");
        panel.replaceChildren(copy);
      } else {
        panel.replaceChildren(...empty);
      }
    }

    const rest = () => show(pinned || nodes.find((node) => node === document.activeElement) || null);
    for (const node of nodes) {
      node.addEventListener("mouseenter", () => show(node));
      node.addEventListener("mouseleave", rest);
      node.addEventListener("focus", () => show(node));
      node.addEventListener("blur", (event) => {
        if (!pinned && !panel.contains(event.relatedTarget)) show(null);
      });
      node.addEventListener("click", (event) => {
        event.preventDefault();
        const byKey = event.detail === 0;
        pinned = pinned === node && !byKey ? null : node;
        show(node);
        if (byKey) panel.focus();
      });
    }
    panel.addEventListener("focusout", (event) => {
      if (!pinned && !panel.contains(event.relatedTarget)) rest();
    });

    // Links elsewhere that lead to a node choose it.
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#n']");
      const node = link && !svg.contains(link) && $(link.getAttribute("href").slice(1));
      if (!node) return;
      event.preventDefault();
      history.replaceState(null, "", link.getAttribute("href"));
      pinned = node;
      node.focus({ preventScroll: true });
      node.scrollIntoView({ block: "center", inline: "center" });
      show(node);
    });

    const box = (node) => node.querySelector(".box").getBoundingClientRect();
    function beside(node, key) {
      const here = box(node);
      const across = key === "ArrowLeft" || key === "ArrowRight";
      const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
      let best = null;
      for (const other of nodes) {
        const there = box(other);
        const aside = Math.abs(there.left - here.left) > 4;
        const step = sign * (across ? there.left - here.left : there.top - here.top);
        if (other === node || aside !== across || step <= 0) continue;
        const far = step + (across ? 2 * Math.abs(there.top - here.top) : 0);
        if (!best || far < best.far) best = { other, far };
      }
      return best && best.other;
    }
    svg.addEventListener("keydown", (event) => {
      const node = event.target.closest("a.node");
      if (node && event.key.startsWith("Arrow")) {
        const next = beside(node, event.key);
        if (next) { event.preventDefault(); next.focus(); }
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !pinned) return;
      const back = pinned;
      pinned = null;
      if (panel.contains(document.activeElement)) back.focus();
      rest();
    });
    panel.hidden = false;
    $("graph-text").open = false;
  }

  function number(text) {
    return parseFloat(text.replace(/[\s,]/g, ""));
  }

  function sorting() {
    for (const table of all("table:not(.matrix)")) {
      const body = table.tBodies[0];
      const original = [...body.rows];
      for (const head of all("thead th", table)) {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const order = { ascending: "descending", descending: "none" }[head.ariaSort] || "ascending";
          for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
          if (order !== "none") head.setAttribute("aria-sort", order);
          const at = head.cellIndex;
          const numeric = head.classList.contains("number");
          const sign = order === "descending" ? -1 : 1;
          const keyed = original.map((row) => [row.cells[at].textContent.trim(), row]);
          if (order !== "none") {
            keyed.sort(([a], [b]) => {
              if (a === "" || b === "") return (a === "") - (b === "");
              return sign * (numeric ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true }));
            });
          }
          body.append(...keyed.map(([, row]) => row));
        });
      }
    }
  }

  function filtering() {
    const input = $("filter");
    if (!input) return;
    const only = $("runtimes-only");
    const rows = [...$("libraries-table").tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const [row, text] of rows) {
        const fits = words.every((word) => text.includes(word)) && (!only.checked || row.classList.contains("runtime"));
        row.hidden = !fits;
        count += fits;
      }
      $("matches").textContent = `${count} of ${rows.length}`;
    };
    input.addEventListener("input", apply);
    only.addEventListener("change", apply);
    document.querySelector(".filter").hidden = false;
    // A link to a row that the filter hides shows all rows again.
    addEventListener("hashchange", () => {
      const row = $(location.hash.slice(1));
      if (row && row.hidden) { input.value = ""; only.checked = false; apply(); row.scrollIntoView(); }
    });
  }

  function printing() {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = all("details:not([open])");
      for (const each of closed) each.open = true;
    });
    addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
  }

  theme();
  copying();
  graph();
  sorting();
  filtering();
  printing();
})();
