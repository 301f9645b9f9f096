// Draws the figures of a page in the colours of its theme, and again when that changes.
(() => {
  const plain = JSON.stringify;
  const spec = (figure, dark) => {
    let text = figure.querySelector('script[type="application/json"]').textContent;
    if (dark)
      text = plain(JSON.parse(text), (_, v) =>
        typeof v === "string" && window.eventstudyDark[v] ? window.eventstudyDark[v] : v);
    return JSON.parse(text);
  };
  const draw = () => {
    const dark = document.documentElement.dataset.theme === "dark";
    for (const figure of document.querySelectorAll(".eventstudy-figure")) {
      const { data, layout } = spec(figure, dark);
      Plotly.react(figure.querySelector(".eventstudy-plot"), data, layout,
        { responsive: true, displaylogo: false });
      figure.querySelector("details").open = false;
    }
  };
  draw();
  new MutationObserver(draw).observe(document.documentElement,
    { attributes: true, attributeFilter: ["data-theme"] });
})();
