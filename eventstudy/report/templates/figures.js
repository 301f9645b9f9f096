// Figures: unpacked, drawn one after another, drawn anew when a reader chooses, turns the page
// dark, or prints.
const settings = JSON.parse(document.getElementById("settings").textContent);
const root = document.documentElement;
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const touch = window.matchMedia("(hover: none), (pointer: coarse)");
const PAPER_WIDTH = 660, PAPER_HEIGHT = 840;
let printing = false;
const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

const unpackText = async (element) => {
  const bytes = Uint8Array.from(atob(element.textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
const unpack = async (element) => JSON.parse(await unpackText(element));

const recoloured = (value) => {
  if (typeof value === "string") return Object.hasOwn(settings.dark, value) ? settings.dark[value] : value;
  if (Array.isArray(value)) return typeof value.at(-1) === "number" ? value : value.map(recoloured);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, recoloured(v)]));
  }
  return value;
};
const plain = (value) => JSON.parse(JSON.stringify(value));
const themed = (spec) => (isDark() ? recoloured(plain(spec)) : plain(spec));

const current = new Map();
const drawn = new Set();
const variants = new Map();
const plotOf = (name) => document.querySelector(`[data-plot="${name}"]`);
// A finger scrolls the page and taps for numbers; the tool bar is for a mouse.
const options = () => ({
  displaylogo: false, responsive: true, displayModeBar: touch.matches ? false : "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
});
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
const fitted = (spec) => {
  const layout = spec.layout;
  layout.modebar = { orientation: "v", bgcolor: "rgba(0,0,0,0)" };
  if (touch.matches) layout.dragmode = false;
  if (printing) {
    layout.autosize = false;
    layout.width = PAPER_WIDTH;
    if (layout.height > PAPER_HEIGHT) {
      layout.height = PAPER_HEIGHT;
      if (layout.yaxis.tickfont) layout.yaxis.tickfont.size = 7;
    }
  } else if (window.innerWidth < 700) {
    layout.margin = { ...layout.margin, l: 4, r: 6 };
    if (layout.annotations && layout.xaxis2) stackPanels(layout);
  }
  return spec;
};
const draw = (name) => {
  const element = plotOf(name);
  const { data, layout } = fitted(themed(current.get(name)));
  element.style.minHeight = layout.height + "px";
  const done = Plotly.react(element, data, layout, options());
  drawn.add(name);
  // The figure's words are read instead of some hundred stray labels.
  element.querySelectorAll("svg.main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true"));
  return done;
};
const drawAll = () => [...drawn].forEach(draw);
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
const begun = start().catch((error) => {
  root.dataset.drawn = "failed";
  document.querySelectorAll("[data-plot]").forEach((element) => {
    element.textContent = "This browser cannot draw the figures; their numbers stand in words below.";
    element.style.minHeight = "0";
  });
  console.error(error);
});

const choose = async (select) => {
  const name = select.dataset.figure;
  const found = variants.get(name);
  if (!found) return;
  const selects = [...document.querySelectorAll(`select[data-figure="${name}"]`)];
  let key = selects.map((s) => s.value).join("|");
  if (!Object.hasOwn(found, key)) {
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
