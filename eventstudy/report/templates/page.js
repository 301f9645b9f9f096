// The page: light and dark, folding, where one is, paper.
const themeButton = document.getElementById("theme");
const nameTheme = () => {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-pressed", String(isDark()));
};
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("eventstudy-theme", root.dataset.theme); } catch { /* not kept */ }
  nameTheme();
  drawAll();
});
prefersDark.addEventListener("change", () => { nameTheme(); drawAll(); });
nameTheme();

const fold = document.getElementById("fold");
const folded = [...document.querySelectorAll("section > details")];
const nameFold = () => {
  const open = folded.some((d) => d.open);
  fold.textContent = open ? "Fold all" : "Unfold all";
  fold.setAttribute("aria-expanded", String(open));
};
fold.addEventListener("click", () => {
  const close = folded.some((d) => d.open);
  folded.forEach((d) => { d.open = !close; });
  nameFold();
});
folded.forEach((d) => d.addEventListener("toggle", () => {
  nameFold();
  if (d.open) d.querySelectorAll("[data-plot]").forEach((p) => drawn.has(p.dataset.plot) && Plotly.Plots.resize(p));
}));
const goTo = () => {
  let target;
  try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  const own = target.querySelector(":scope > details");
  if (own) own.open = true;
  for (let up = target.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  target.scrollIntoView();
  settle(target);
};
// Figures that are drawn on the way move the target: go there once more, unless the reader has taken over.
const settle = (target) => {
  const own = new AbortController();
  const { signal } = own;
  for (const kind of ["wheel", "touchstart", "keydown"])
    window.addEventListener(kind, () => own.abort(), { signal, passive: true });
  window.addEventListener("scrollend", () => {
    own.abort();
    if (Math.abs(target.getBoundingClientRect().top) > 120) target.scrollIntoView({ behavior: "instant" });
  }, { signal });
};
window.addEventListener("hashchange", goTo);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) goTo();
});
if (location.hash) goTo();

const links = [...document.querySelectorAll(".contents a")];
const places = links.map((a) => document.getElementById(a.hash.slice(1)));
const mark = () => {
  const line = window.innerHeight * 0.3;
  const end = window.scrollY > 0 && window.innerHeight + window.scrollY >= root.scrollHeight - 4;
  let at = 0;
  places.forEach((place, i) => { if (place && place.getBoundingClientRect().top <= line) at = i; });
  if (end) at = links.length - 1;
  links.forEach((a, i) => {
    if (i !== at) a.removeAttribute("aria-current");
    else if (!a.hasAttribute("aria-current")) {
      a.setAttribute("aria-current", "true");
      const strip = a.closest("nav");
      if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = a.offsetLeft - strip.clientWidth / 3;
    }
  });
};
let marking = 0;
const markSoon = () => {
  if (!marking) marking = requestAnimationFrame(() => { marking = 0; mark(); });
};
window.addEventListener("scroll", markSoon, { passive: true });
window.addEventListener("resize", markSoon);
mark();

let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((d) => { d.open = true; });
  printing = true;
  drawAll();
});
window.addEventListener("afterprint", () => {
  closed.forEach((d) => { d.open = false; });
  printing = false;
  drawAll();
});
