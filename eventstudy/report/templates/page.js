"use strict";
(() => {
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const root = document.documentElement;
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  const recoloured = (value) => {
    if (typeof value === "string") return settings.dark[value] || value;
    if (Array.isArray(value)) return typeof value.at(-1) === "number" ? value : value.map(recoloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recoloured(v)]));
    }
    return value;
  };
  const plain = (value) => JSON.parse(JSON.stringify(value));
  const themed = (spec) => (isDark() ? recoloured(spec) : plain(spec));

  const unpackText = async (element) => {
    const bytes = Uint8Array.from(atob(element.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const unpack = async (element) => JSON.parse(await unpackText(element));

  // Figures
  const current = new Map();
  const drawn = new Set();
  const options = {
    displaylogo: false, responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };
  const narrow = (spec) => {
    if (window.innerWidth >= 700) return spec;
    const layout = spec.layout;
    layout.margin = { ...layout.margin, l: 4, r: 6 };
    if (layout.annotations && layout.xaxis2) stackPanels(layout);
    return spec;
  };
  const stackPanels = (layout) => {
    const count = layout.annotations.length;
    const height = 1 / count;
    layout.height = 230 * count;
    for (let k = 0; k < count; k += 1) {
      const panel = k ? String(k + 1) : "";
      const top = 1 - k * height;
      layout["xaxis" + panel].domain = [0, 1];
      layout["yaxis" + panel].domain = [top - height + 0.1 * height + 0.06, top - 0.06];
      layout.annotations[k].x = 0;
      layout.annotations[k].y = top - 0.06;
    }
  };
  const draw = (name) => {
    const element = document.querySelector(`[data-plot="${name}"]`);
    const { data, layout } = narrow(themed(current.get(name)));
    element.style.minHeight = layout.height + "px";
    const done = Plotly.react(element, data, layout, options);
    drawn.add(name);
    return done;
  };
  const drawAll = () => [...drawn].forEach(draw);
  const variants = new Map();
  const prepare = async (name) => {
    const element = document.getElementById("pack-" + name);
    variants.set(name, await unpack(element));
    current.set(name, variants.get(name)[element.dataset.start]);
  };
  const start = async () => {
    const library = document.createElement("script");
    library.textContent = await unpackText(document.getElementById("library"));
    document.head.append(library);
    for (const name of settings.order) {
      await prepare(name);
      await draw(name);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    root.dataset.drawn = "all";
  };
  const failed = (error) => {
    root.dataset.drawn = "failed";
    document.querySelectorAll("[data-plot]").forEach((element) => {
      element.textContent = "This browser cannot draw the figures; their numbers stand in words below.";
      element.style.minHeight = "0";
    });
    console.error(error);
  };
  start().catch(failed);

  const figureOf = (select) => [...document.querySelectorAll(`select[data-figure="${select.dataset.figure}"]`)];
  const choose = async (select) => {
    const name = select.dataset.figure;
    const found = variants.get(name);
    if (!found) return;
    const selects = figureOf(select);
    let key = selects.map((s) => s.value).join("|");
    if (!(key in found)) {
      // Not every combination exists: an event has one reading or two. Keep what was chosen last.
      const at = selects.indexOf(select);
      const score = (k) => k.split("|").filter((part, i) => part === selects[i].value).length;
      const fitting = Object.keys(found).filter((k) => k.split("|")[at] === select.value);
      if (!fitting.length) return;
      key = fitting.reduce((a, b) => (score(b) > score(a) ? b : a));
      key.split("|").forEach((part, i) => { selects[i].value = part; });
    }
    current.set(name, found[key]);
    await draw(name);
  };
  document.querySelectorAll("select[data-figure]").forEach((s) => s.addEventListener("change", () => choose(s)));

  // Theme and folding
  const themeButton = document.getElementById("theme");
  const label = () => {
    themeButton.textContent = isDark() ? "Light" : "Dark";
    themeButton.setAttribute("aria-pressed", String(isDark()));
  };
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
    drawAll();
  });
  prefersDark.addEventListener("change", () => { label(); drawAll(); });
  label();
  const fold = document.getElementById("fold");
  const sections = [...document.querySelectorAll("section > details")];
  fold.addEventListener("click", () => {
    const close = sections.some((d) => d.open);
    sections.forEach((d) => { d.open = !close; });
    fold.textContent = close ? "Unfold all" : "Fold all";
    fold.setAttribute("aria-pressed", String(close));
  });
  sections.forEach((d) => d.addEventListener("toggle", () => {
    if (d.open) d.querySelectorAll("[data-plot]").forEach((p) => drawn.has(p.dataset.plot) && Plotly.Plots.resize(p));
  }));
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const inside = target && target.querySelector(":scope > details");
    if (inside) inside.open = true;
  };
  window.addEventListener("hashchange", unfold);
  unfold();
  window.addEventListener("beforeprint", () => {
    sections.forEach((d) => { d.open = true; });
    const was = isDark();
    printing = true;
    if (was) drawAll();
  });
  window.addEventListener("afterprint", () => { printing = false; if (isDark()) drawAll(); });
  const links = [...document.querySelectorAll(".contents a")];
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((a) => a.classList.toggle("here", a.hash === "#" + entry.target.id));
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((s) => watch.observe(s));

  // Tables
  const number = (text) => {
    const clean = text.replace(/\u2212/g, "-").replace(/[,%<+\s]/g, "");
    return clean !== "" && Number.isFinite(Number(clean)) ? Number(clean) : null;
  };
  const compare = (a, b) => {
    const x = number(a), y = number(b);
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x !== null ? -1 : 1;
    return a.localeCompare(b);
  };
  const csvCell = (text) => {
    let cell = text.trim().replace(/\u2212/g, "-");
    if (/^[=+\-@\t\r]/.test(cell) && number(cell) === null) cell = "'" + cell;
    return /[",\n]/.test(cell) ? '"' + cell.replace(/"/g, '""') + '"' : cell;
  };
  const copy = async (button, rows) => {
    const text = rows.map((row) => row.map(csvCell).join(",")).join("\n");
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = before; }, 1400);
  };
  const headings = (block) => [...block.querySelectorAll("thead th")];
  const sortable = (block, sort) => headings(block).forEach((th, i) => {
    th.querySelector("button").addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      headings(block).forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(i, down ? -1 : 1);
    });
  });
  const wrapLong = (block) => block.querySelectorAll("td").forEach((td) => {
    if (td.textContent.length > 44) td.classList.add("long");
  });

  document.querySelectorAll(".table-block:not(.packed)").forEach((block) => {
    const body = block.querySelector("tbody");
    if (!body) return;
    wrapLong(block);
    sortable(block, (i, way) => {
      const rows = [...body.rows].map((row) => [row.cells[i].textContent, row]);
      rows.sort((a, b) => way * compare(a[0], b[0]));
      body.append(...rows.map((pair) => pair[1]));
    });
    const filter = block.querySelector("[data-filter]");
    if (filter) filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    block.querySelector("[data-copy]").addEventListener("click", (event) => copy(event.currentTarget, [
      headings(block).map((th) => th.textContent),
      ...[...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((c) => c.textContent)),
    ]));
  });

  // Large tables
  const STEP = 150;
  const written = {
    text: (v) => v,
    value: (v) => (v === null ? "none" : String(v).replace("-", "\u2212")),
    count: (v) => (v === null ? "\u2013" : v.toLocaleString("en-US")),
    number: (v) => (v === null ? "\u2013" : v.toFixed(Math.abs(v) < 0.1 && v !== 0 ? 5 : 3).replace("-", "\u2212")),
    percent: (v) => (v === null ? "\u2013" : ((v > 0 ? "+" : "") + (100 * v).toFixed(2) + "%").replace("-", "\u2212")),
    size: (v) => (v === null ? "\u2013" : (100 * v).toFixed(2) + "%"),
    p: (v) => (v === null ? "\u2013" : v < 0.001 ? "<0.001" : v.toFixed(3)),
  };
  const makePacked = async (block) => {
    const table = await unpack(block.querySelector("script"));
    const columns = table.columns;
    const value = (c, r) => (c.codes ? c.texts[c.codes[r]] : c.values[r]);
    const cell = (c, r) => written[c.kind](value(c, r));
    const box = block.querySelector(".scroll");
    const count = block.querySelector("[data-count]");
    const filter = block.querySelector("[data-filter]");
    const start = JSON.parse(block.dataset.start);
    const selects = block.dataset.selectors.split(" ").filter(Boolean).map((name) => {
      const column = columns.find((c) => c.name === name);
      const holder = document.createElement("label");
      const select = document.createElement("select");
      holder.append(name.replace("_", " "), select);
      select.append(new Option("all", ""));
      column.texts.forEach((text) => select.append(new Option(text, text)));
      if (column.texts.includes(start[name])) select.value = start[name];
      if (column.texts.length < 2) holder.hidden = true;
      select.addEventListener("change", () => refresh());
      block.querySelector(".choices").append(holder);
      return [column, select];
    });
    const element = document.createElement("table");
    const head = element.createTHead().insertRow();
    for (const column of columns) {
      const th = document.createElement("th");
      th.scope = "col";
      if (column.kind !== "text") th.className = "num";
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = column.name.replace(/_/g, " ");
      th.append(button);
      head.append(th);
    }
    const body = element.createTBody();
    box.append(element);
    let order = [...Array(table.rows).keys()];
    let rows = [];
    let shown = 0;
    const more = () => {
      const until = Math.min(shown + STEP, rows.length);
      for (; shown < until; shown += 1) {
        const tr = body.insertRow();
        for (const column of columns) {
          const td = tr.insertCell();
          const isolated = document.createElement("bdi");
          isolated.textContent = cell(column, rows[shown]);
          td.append(isolated);
          if (column.kind !== "text") td.className = "num";
          else if (isolated.textContent.length > 44) td.className = "long";
        }
      }
      count.textContent = `${rows.length.toLocaleString("en-US")} rows` +
        (shown < rows.length ? `, ${shown} shown: scroll the table for more` : "");
    };
    const refresh = () => {
      const wanted = filter.value.toLowerCase();
      const texts = columns.filter((c) => c.codes);
      rows = order.filter((r) => selects.every(([c, s]) => !s.value || value(c, r) === s.value) &&
        (!wanted || texts.some((c) => value(c, r).toLowerCase().includes(wanted))));
      body.replaceChildren();
      shown = 0;
      more();
    };
    sortable(block, (i, way) => {
      const c = columns[i];
      const last = (v) => v === null;
      order.sort((a, b) => {
        const x = value(c, a), y = value(c, b);
        if (last(x) || last(y)) return last(x) - last(y);
        return way * (c.codes ? x.localeCompare(y) : x - y) || a - b;
      });
      refresh();
    });
    box.addEventListener("scroll", () => {
      if (shown < rows.length && box.scrollTop + box.clientHeight > box.scrollHeight - 300) more();
    });
    filter.addEventListener("input", refresh);
    block.querySelector("[data-copy]").addEventListener("click", (event) => copy(event.currentTarget, [
      columns.map((c) => c.name),
      ...rows.map((r) => columns.map((c) => { const v = value(c, r); return v === null ? "" : String(v); })),
    ]));
    refresh();
  };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      makePacked(entry.target);
    }
  }, { rootMargin: "600px" });
  document.querySelectorAll("[data-packed]").forEach((block) => near.observe(block));
})();
