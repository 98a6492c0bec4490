// Draw the figures of plotly that a page carries as JSON. The library (5 MB) is loaded only there.
const here = document.currentScript.src;
document.addEventListener("DOMContentLoaded", () => {
  const figures = document.querySelectorAll("script.plotly-json");
  if (!figures.length) return;
  const library = document.createElement("script");
  library.src = new URL("plotly.min.js", here).href;
  library.onload = () => {
    for (const figure of figures) {
      const { data, layout } = JSON.parse(figure.textContent);
      Plotly.newPlot(figure.previousElementSibling, data, layout, {
        responsive: true,
        displayModeBar: false,
      });
    }
  };
  document.head.append(library);
});
