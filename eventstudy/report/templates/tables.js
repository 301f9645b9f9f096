// Tables: sorted by their headings, filtered, copied and saved as CSV; large ones in pages.
const said = document.getElementById("said");
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
// A cell stays one cell and text where a spreadsheet parts at tabs, line breaks or semicolons.
const csvCell = (text) => {
  let cell = text.trim().replace(/\u2212/g, "-").replace(/\s+/g, " ");
  if (/^[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell) && number(cell) === null) cell = "'" + cell;
  cell = cell.replace(/;(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, ";'");
  return /[",;]/.test(cell) ? '"' + cell.replace(/"/g, '""') + '"' : cell;
};
const csv = (rows) => rows.map((row) => row.map(csvCell).join(",")).join("\n") + "\n";
const tell = (button, word) => {
  const before = button.dataset.word || button.textContent;
  button.dataset.word = before;
  button.textContent = word;
  said.textContent = word;
  setTimeout(() => { button.textContent = before; said.textContent = ""; }, 1400);
};
const copy = async (button, text) => {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  tell(button, done ? "Copied" : "Not copied");
};
const save = (button, name, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
  link.download = name + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  tell(button, "Saved");
};
const exporting = (block, rows) => {
  block.querySelector("[data-copy]").addEventListener("click", (e) => copy(e.currentTarget, csv(rows())));
  block.querySelector("[data-save]").addEventListener("click", (e) =>
    save(e.currentTarget, block.id.replace("table-", ""), csv(rows())));
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

// Long text wraps; very long text scrolls in its cell.
const fitText = (cell) => {
  const length = cell.textContent.length;
  if (length <= 44) return;
  cell.classList.add("long");
  if (length <= 600) return;
  const inside = cell.querySelector("bdi") || cell;
  inside.classList.add("huge");
  inside.tabIndex = 0;
};

document.querySelectorAll(".table-block:not(.packed)").forEach((block) => {
  const body = block.querySelector("tbody");
  if (!body) return;
  body.querySelectorAll("th,td").forEach(fitText);
  sortable(block, (i, way) => {
    const rows = [...body.rows].map((row) => [row.cells[i].textContent, row]);
    rows.sort((a, b) => way * compare(a[0], b[0]));
    body.append(...rows.map((pair) => pair[1]));
  });
  const filter = block.querySelector("[data-filter]");
  if (filter) filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    block.dataset.empty = [...body.rows].every((row) => row.hidden);
  });
  exporting(block, () => [
    headings(block).map((th) => th.textContent),
    ...[...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((c) => c.textContent)),
  ]);
});

const written = {
  text: (v) => v,
  value: (v) => (v === null ? "none" : String(v).replace("-", "\u2212")),
  count: (v) => (v === null ? "\u2013" : v.toLocaleString("en-US")),
  number: (v) => (v === null ? "\u2013" : v.toFixed(Math.abs(v) < 0.1 && v !== 0 ? 5 : 3).replace("-", "\u2212")),
  percent: (v) => (v === null ? "\u2013" : ((v > 0 ? "+" : "") + (100 * v).toFixed(2) + "%").replace("-", "\u2212")),
  size: (v) => (v === null ? "\u2013" : (100 * v).toFixed(2) + "%"),
  p: (v) => (v === null ? "\u2013" : v < 0.001 ? "<0.001" : v.toFixed(3)),
};
const made = (tag, parts = {}, ...inside) => {
  const element = Object.assign(document.createElement(tag), parts);
  element.append(...inside);
  return element;
};
const selectorOf = (block, column, start, refresh) => {
  const select = made("select", {}, new Option("all", ""), ...column.texts.map((text) => new Option(text, text)));
  if (column.texts.includes(start)) select.value = start;
  select.addEventListener("change", refresh);
  const holder = made("label", { hidden: column.texts.length < 2 }, column.name.replace(/_/g, " "), select);
  block.querySelector(".choices").append(holder);
  return [column, select];
};
const pagerOf = (block, turn) => {
  const count = block.querySelector("[data-count]");
  const back = made("button", { type: "button", textContent: "Previous" });
  const on = made("button", { type: "button", textContent: "Next" });
  const size = made("select", {}, ...[25, 100, 500].map((n) => new Option(String(n), String(n))));
  block.querySelector(".pager").append(back, on, made("label", {}, "rows a page", size));
  let page = 0;
  const show = (total) => {
    const step = Number(size.value);
    page = Math.max(0, Math.min(page, Math.ceil(total / step) - 1));
    const from = page * step, until = Math.min(from + step, total);
    back.disabled = page === 0;
    on.disabled = until >= total;
    count.textContent = total ? `${(from + 1).toLocaleString("en-US")} to ${until.toLocaleString("en-US")} of ` +
      `${total.toLocaleString("en-US")} rows` : "no row";
    return [from, until];
  };
  back.addEventListener("click", () => { page -= 1; turn(); });
  on.addEventListener("click", () => { page += 1; turn(); });
  size.addEventListener("change", () => { page = 0; turn(); });
  return { show, first: () => { page = 0; } };
};
const makePacked = async (block) => {
  const table = await unpack(block.querySelector("script"));
  const columns = table.columns;
  const value = (c, r) => (c.codes ? c.texts[c.codes[r]] : c.values[r]);
  const filter = block.querySelector("[data-filter]");
  const start = JSON.parse(block.dataset.start);
  const names = block.dataset.selectors.split(" ").filter(Boolean);
  const body = document.createElement("tbody");
  const head = made("tr", {}, ...columns.map((c) => made("th",
    { scope: "col", className: c.kind === "text" ? "" : "num" },
    made("button", { type: "button", textContent: c.name.replace(/_/g, " ") }))));
  block.querySelector(".scroll").append(made("table", {},
    made("caption", { className: "hidden", textContent: block.querySelector("h3").textContent }),
    made("thead", {}, head), body));
  let order = [...Array(table.rows).keys()];
  let rows = [];
  const rowOf = (r) => made("tr", {}, ...columns.map((c, k) => {
    const text = written[c.kind](value(c, r));
    const cell = made(k === 0 && c.kind === "text" ? "th" : "td",
      { className: c.kind !== "text" ? "num" : "" }, made("bdi", { textContent: text }));
    if (cell.tagName === "TH") cell.scope = "row";
    fitText(cell);
    return cell;
  }));
  const turn = () => {
    const [from, until] = pager.show(rows.length);
    body.replaceChildren(...rows.slice(from, until).map(rowOf));
  };
  const refresh = () => {
    const wanted = filter.value.toLowerCase();
    const texts = columns.filter((c) => c.codes);
    rows = order.filter((r) => selects.every(([c, s]) => !s.value || value(c, r) === s.value) &&
      (!wanted || texts.some((c) => value(c, r).toLowerCase().includes(wanted))));
    pager.first();
    turn();
    block.dataset.empty = rows.length === 0;
  };
  const pager = pagerOf(block, turn);
  const selects = names.map((name) => selectorOf(block, columns.find((c) => c.name === name), start[name], refresh));
  sortable(block, (i, way) => {
    const c = columns[i];
    order.sort((a, b) => {
      const x = value(c, a), y = value(c, b);
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return way * (c.codes ? x.localeCompare(y) : x - y) || a - b;
    });
    refresh();
  });
  filter.addEventListener("input", refresh);
  exporting(block, () => [
    columns.map((c) => c.name),
    ...rows.map((r) => columns.map((c) => { const v = value(c, r); return v === null ? "" : String(v); })),
  ]);
  refresh();
};
// A table is made when one comes near it; all of them are once the figures stand, for paper.
const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (entry.isIntersecting) makeOnce(entry.target);
}), { rootMargin: "600px" });
const waiting = new Set(document.querySelectorAll("[data-packed]"));
const makeOnce = async (block) => {
  if (!waiting.delete(block)) return;
  near.unobserve(block);
  await makePacked(block);
};
waiting.forEach((block) => near.observe(block));
begun.then(async () => {
  for (const block of [...waiting]) {
    await makeOnce(block);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  root.dataset.filled = "all";
});
