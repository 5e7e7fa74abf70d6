// Draws the charts of this page anew when they come into view, as wide as there is room and on the ground the reader's
// system asks for. Drawings made beforehand stay for paper, and wherever this script does not run.
(() => {
  "use strict";
  const looks = JSON.parse(document.getElementById("looks").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tables = new Map();
  const shown = new Map();

  const column = (told) =>
    Array.isArray(told) ? told : told.runs.flatMap(([word, times]) => Array(times).fill(told.words[word]));

  const table = (name) => {
    if (!tables.has(name)) {
      const columns = Object.entries(JSON.parse(document.getElementById(name).textContent));
      const values = columns.map(([key, told]) => [key, column(told)]);
      const rows = values[0][1].map((_, place) => Object.fromEntries(values.map(([key, all]) => [key, all[place]])));
      tables.set(name, rows);
    }
    return tables.get(name);
  };

  // Rows of every table that a chart names; Vega writes into rows, so each chart has its own.
  const datasets = (spec, found = {}) => {
    if (Array.isArray(spec)) spec.forEach((part) => datasets(part, found));
    else if (spec && typeof spec === "object") {
      const name = spec.data && spec.data.name;
      if (name && document.getElementById(name)) found[name] = table(name).map((row) => ({ ...row }));
      Object.values(spec).forEach((part) => datasets(part, found));
    }
    return found;
  };

  const look = (width) => {
    const made = structuredClone(dark.matches ? looks.dark : looks.light);
    made.legend.columns = Math.max(1, Math.floor(width / 150));
    made.legend.labelLimit = Math.min(made.legend.labelLimit, width - 60);
    made.axisY.labelLimit = Math.max(90, 0.3 * width);
    return made;
  };

  const sized = (spec, width) => {
    if (spec.facet) {
      spec.columns = Math.max(1, Math.min(3, Math.floor(width / 300)));
      const own = spec.resolve && spec.resolve.scale && spec.resolve.scale.y === "independent";
      const named = spec.spec.layer[0].encoding.y.type === "nominal";
      const labels = (named ? 110 : 62) * (own ? spec.columns : 1);
      spec.spec.width = Math.floor((width - labels - 4) / spec.columns) - 20;
    } else {
      spec.width = width;
      spec.autosize = { type: "fit-x", contains: "padding" };
    }
    return spec;
  };

  const draw = async (figure, anew = false) => {
    const width = Math.floor(figure.clientWidth);
    const before = shown.get(figure);
    if (!width || (!anew && before && before.width === width && before.dark === dark.matches)) return;
    shown.set(figure, { width, dark: dark.matches, view: before && before.view });
    const spec = sized(JSON.parse(figure.querySelector("script.chart").textContent), width);
    spec.datasets = datasets(spec);
    const options = {
      mode: "vega-lite",
      ast: true,
      renderer: "svg",
      config: look(width),
      actions: { export: true, source: false, compiled: false, editor: false },
      tooltip: { theme: dark.matches ? "dark" : "light" },
    };
    const made = await vegaEmbed(figure.querySelector(".live"), spec, options);
    if (before && before.view) before.view.finalize();
    shown.get(figure).view = made.view;
    figure.classList.add("drawn");
  };

  const failed = (figure) => (reason) => {
    figure.classList.remove("drawn");
    console.error(reason);
  };
  const visible = new Set();
  const drawVisible = () => visible.forEach((figure) => draw(figure).catch(failed(figure)));
  const watcher = new IntersectionObserver(
    (entries) => {
      entries.forEach((entry) => visible[entry.isIntersecting ? "add" : "delete"](entry.target));
      drawVisible();
    },
    { rootMargin: "300px" },
  );
  document.querySelectorAll("figure:has(script.chart)").forEach((figure) => {
    watcher.observe(figure);
    figure.querySelector(".live").addEventListener("dblclick", () => draw(figure, true).catch(failed(figure)));
  });
  document.querySelectorAll(".scripted").forEach((note) => note.removeAttribute("hidden"));
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawVisible, 150);
  });
  dark.addEventListener("change", drawVisible);
})();
