// Identifiers in a figure come from Math.random: from a fixed seed for each figure, so that
// files are the same for the same figure.
(() => {
  let state = 1;
  Math.random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const draw = Plotly.toImage;
  Plotly.toImage = (...given) => {
    state = 1;
    return draw(...given);
  };
})();
