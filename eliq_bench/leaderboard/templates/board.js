"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  // ---- small helpers -------------------------------------------------------------------------------------
  const SVG = "http://www.w3.org/2000/svg";
  function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") node.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }
  const make = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const draw = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
  function number(value) {
    if (value === null) return "–";
    const text = value.toFixed(3);
    return Number(text) === 0 ? "0.000" : text.replace("-", "−");
  }
  // a long name may be broken after an underscore or a hyphen
  const breakable = (name) => name.split(/(?<=[_-])/).flatMap((piece) => [piece, document.createElement("wbr")]);
  const interval = ([value, low, high]) => number(value) + (low === null ? "" : ` [${number(low)}, ${number(high)}]`);
  const percent = (share) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;
  const short = (value) => String(Number(value.toPrecision(3))).replace("-", "−");

  function positions(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 2 }, (_, at) => view.getUint16(2 * at, true));
  }
  const MISSING = 65535, STEPS = 65534;

  // ---- light and dark ------------------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function showTheme() {
    theme.textContent = isDark() ? "Light colours" : "Dark colours";
    theme.setAttribute("aria-pressed", String(isDark()));
  }
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("eliq-bench-theme", document.documentElement.dataset.theme); } catch { /* a file may have no storage */ }
    showTheme();
  });
  try {
    const kept = localStorage.getItem("eliq-bench-theme");
    if (kept) document.documentElement.dataset.theme = kept;
  } catch { /* as above */ }
  showTheme();

  // ---- sorting -------------------------------------------------------------------------------------------
  const count = document.getElementById("count");
  function valueOf(row, column) {
    const text = row.cells[column].dataset.v;
    if (text === undefined || text === "") return null;
    const value = Number(text);
    return Number.isNaN(value) ? text : value;
  }
  function compare(first, second, sign) {
    if (first === null || second === null) return (first === null) - (second === null); // unknown ones stay last
    return sign * (typeof first === "number" ? first - second : (first > second) - (first < second));
  }
  function sortBy(header) {
    const table = header.closest("table"), column = header.cellIndex;
    const before = header.getAttribute("aria-sort");
    const first = "rising" in header.dataset ? "ascending" : "descending";
    const order = before ? (before === "ascending" ? "descending" : "ascending") : first;
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    for (const body of table.tBodies) { // scores made for another dimension stay below the others
      const rows = all("[data-kind]", body).map((row) => [valueOf(row, column), row]);
      rows.sort((a, b) => compare(a[0], b[0], sign));
      body.append(...rows.map(([, row]) => row));
    }
    markTiers(table);
    count.textContent = `Sorted by ${one("button", header).innerText.trim()}, ${order}.`;
  }
  function markTiers(table) {
    // a line where a tier begins, while the rows stand in the order of their tiers
    let last = null;
    const sorted = one('.c-srcc[aria-sort="descending"]', table) !== null;
    for (const row of table.tBodies[0].rows) {
      const tier = row.dataset.tier;
      row.classList.toggle("starts", sorted && tier !== undefined && last !== null && tier !== last);
      if (tier !== undefined) last = tier;
    }
  }
  for (const header of all(".rows thead th")) one("button", header).addEventListener("click", () => sortBy(header));
  all(".rows").forEach(markTiers);

  // ---- filters -------------------------------------------------------------------------------------------
  const form = document.getElementById("filters");
  const field = (name) => document.getElementById(`f-${name}`);
  function passes(row, text, supervisions, kinds) {
    const { kind, name, supervision } = row.dataset;
    if (kind === "reference") return true;
    if ((kind === "floor" || kind === "control") && !kinds.has(kind)) return false;
    return supervisions.has(supervision) && name.toLowerCase().includes(text);
  }
  function applyFilters() {
    const chosen = (name) => new Set(all(`input[name="${name}"]:checked`, form).map((box) => box.value));
    const supervisions = chosen("supervision"), kinds = chosen("kind");
    const text = field("text").value.trim().toLowerCase();
    let shown = 0, total = 0;
    for (const section of all(".board")) {
      const wanted = ["dataset", "dimension", "protocol"].every(
        (name) => !field(name).value || field(name).value === section.dataset[name]);
      section.hidden = !wanted;
      let left = 0;
      for (const row of all("[data-kind]", section)) {
        row.hidden = !passes(row, text, supervisions, kinds);
        if (row.dataset.kind === "reference") continue;
        total += 1;
        if (!row.hidden) left += 1;
      }
      for (const divider of all(".divider", section)) divider.hidden = !one("[data-kind]:not([hidden])", divider.parentElement);
      one(".none", section).hidden = left > 0;
      if (wanted) shown += left;
    }
    count.textContent = `${shown} of ${total} rows shown.`;
  }
  form.addEventListener("input", applyFilters);
  form.addEventListener("reset", () => setTimeout(applyFilters));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (matchMedia("(max-width: 46rem)").matches) document.getElementById("filter-fold").open = false;
  applyFilters();

  // ---- the view of a model -------------------------------------------------------------------------------
  const dialog = document.getElementById("detail"), body = document.getElementById("d-body");
  const part = (title, says, ...content) => make("section", {}, make("h3", {}, title), says ? make("p", {}, says) : null, ...content);

  function scale(low, high, start, end) {
    return (value) => start + ((value - low) / (high - low || 1)) * (end - start);
  }
  function ticks(low, high, steps = 5) {
    const raw = (high - low) / steps || 1, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
    return found;
  }
  const WIDE = 560, HIGH = 400, EDGE = { left: 52, right: 12, top: 10, bottom: 46 };
  function axes(svg, x, y, xs, ys, xTitle, yTitle) {
    for (const at of ys) {
      svg.append(draw("line", { class: "gridline", x1: EDGE.left, x2: WIDE - EDGE.right, y1: y(at), y2: y(at) }),
        draw("text", { x: EDGE.left - 8, y: y(at) + 4, "text-anchor": "end" }, short(at)));
    }
    for (const at of xs) svg.append(draw("text", { x: x(at), y: HIGH - EDGE.bottom + 18, "text-anchor": "middle" }, short(at)));
    svg.append(draw("text", { class: "strong", x: (EDGE.left + WIDE - EDGE.right) / 2, y: HIGH - 8, "text-anchor": "middle" }, xTitle),
      draw("text", { class: "strong", x: 14, y: (HIGH - EDGE.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(HIGH - EDGE.bottom) / 2})` }, yTitle));
  }
  function ranksOf(places) {
    // average ranks, 0 to 1: ties share one
    const order = places.map((_, at) => at).filter((at) => places[at] !== MISSING).sort((a, b) => places[a] - places[b]);
    const ranks = new Array(places.length).fill(null);
    for (let from = 0; from < order.length;) {
      let to = from;
      while (to < order.length && places[order[to]] === places[order[from]]) to += 1;
      for (let at = from; at < to; at += 1) ranks[order[at]] = (from + to - 1) / 2 / Math.max(1, order.length - 1);
      from = to;
    }
    return ranks;
  }
  function scatter(board, model) {
    const say = `${model.higher ? "higher" : "lower"} is better`;
    const holder = make("div");
    let byRank = false, chosen = null;
    const labels = board.keepsLabels ? positions(board.labels) : null;
    const places = board.keepsLabels ? positions(model.points) : null;
    const origin = board.generatorOf ? positions(board.generatorOf) : null;
    function render() {
      const [low, high] = byRank ? [0, 1] : model.range;
      const bounds = board.keepsLabels ? board.labelRange : model.grid ? model.grid.labels : board.scale;
      const x = scale(low, high, EDGE.left + 6, WIDE - EDGE.right - 6);
      const y = scale(Math.min(bounds[0], ...model.curve.map((point) => point[1])), Math.max(bounds[1], ...model.curve.map((point) => point[1])), HIGH - EDGE.bottom - 4, EDGE.top + 4);
      const svg = draw("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
        "aria-label": `${board.dimension} labels against the score of ${model.name}, SRCC ${interval(model.srcc)}` });
      axes(svg, x, y, byRank ? [] : ticks(low, high), ticks(bounds[0], bounds[1]),
        byRank ? `rank of its score (${say})` : `its score (${say})`, `${board.dimension} label`);
      if (places) {
        const across = byRank ? ranksOf(places) : places.map((place) => (place === MISSING ? null : low + (place / STEPS) * (high - low)));
        const paths = ["", ""];
        labels.forEach((label, at) => {
          if (label === MISSING || across[at] === null) return;
          const value = bounds[0] + (label / STEPS) * (bounds[1] - bounds[0]);
          paths[origin && chosen !== null && origin[at] === chosen ? 1 : 0] += `M${x(across[at]).toFixed(1)} ${y(value).toFixed(1)}h0`;
        });
        svg.append(draw("path", { class: chosen === null ? "points" : "points dimmed", d: paths[0] }));
        if (paths[1]) svg.append(draw("path", { class: "points chosen", d: paths[1] }));
      } else if (model.grid) {
        cells(svg, model.grid, x, y, low, high);
      }
      if (!byRank && model.curve.length) {
        svg.append(draw("path", { class: "curve", d: "M" + model.curve.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("L") }));
      }
      one(".plot", holder)?.remove();
      holder.append(svg);
    }
    if (places) {
      const button = (title, rank) => make("button", { type: "button", "aria-pressed": String(byRank === rank), on: (event) => {
        byRank = rank;
        for (const other of event.target.parentElement.children) other.setAttribute("aria-pressed", String(other === event.target));
        render();
      } }, title);
      holder.append(make("div", { class: "switch", role: "group", "aria-label": "Horizontal axis" }, button("score", false), button("rank", true)));
    }
    render();
    const text = board.keepsLabels
      ? "Each dot is an image; the line is the logistic curve fitted to all of them."
      : `Labels of this set may not be passed on (licence: ${board.licence}), so images are counted on a coarse grid` +
        (model.grid ? `; ${model.grid.leftOut} in cells with fewer than ${model.grid.smallest} are left out.` : ".");
    return { node: part("Score against people", text, holder), choose: (generator) => { chosen = generator; render(); } };
  }
  function cells(svg, grid, x, y, low, high) {
    const most = Math.max(1, ...grid.counts), wide = (x(high) - x(low)) / grid.columns;
    const tall = (y(grid.labels[0]) - y(grid.labels[1])) / grid.rows;
    grid.counts.forEach((items, at) => {
      if (!items) return;
      const column = Math.floor(at / grid.rows), row = at % grid.rows;
      svg.append(draw("rect", { class: "cell", x: x(low) + column * wide + 0.5, y: y(grid.labels[0]) - (row + 1) * tall + 0.5,
        width: Math.max(0.5, wide - 1), height: Math.max(0.5, tall - 1), opacity: (0.12 + 0.88 * Math.sqrt(items / most)).toFixed(3) },
      draw("title", {}, `${items} images`)));
    });
  }
  function generators(board, model, choose) {
    if (!model.generators.length) return null;
    const lowest = Math.min(0, ...model.generators.map((entry) => entry[2] ?? 0));
    const at = scale(lowest, 1, 0, 1), list = make("ul", { class: "list" });
    const sorted = [...model.generators].sort((a, b) => (b[2] ?? -2) - (a[2] ?? -2));
    for (const [name, images, value] of sorted) {
      const code = (board.generators || []).indexOf(name);
      const track = make("span", { class: "track", style: `--zero:${percent(at(0))}`, "aria-hidden": "true" });
      if (value !== null) {
        const left = Math.min(at(0), at(value)), right = Math.max(at(0), at(value));
        track.append(make("i", { style: `left:${percent(left)};width:${percent(right - left)}` }), make("b", { style: `left:${percent(at(value))}` }));
      }
      const button = make("button", { type: "button", "aria-pressed": "false", disabled: code < 0, on: () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        for (const other of all("button", list)) other.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-pressed", String(on));
        choose(on ? code : null);
      } }, make("span", { class: "n" }, breakable(name), " ", make("small", {}, String(images))), track, make("span", { class: "v" }, number(value)));
      list.append(make("li", {}, button));
    }
    const says = "SRCC among the images of one generator, where the generator cannot help." + (board.generatorOf ? " Choose one to mark its images." : "");
    return part("Within each generator", says, list);
  }
  function prompts(model) {
    if (!model.prompts.length) return null;
    const total = model.prompts.reduce((sum, items) => sum + items, 0), most = Math.max(1, ...model.prompts);
    if (!total) return null;
    const high = 190, x = scale(-1, 1, 34, 548), y = scale(0, most, high - 42, 12);
    const svg = draw("svg", { class: "plot", viewBox: `0 0 560 ${high}`, role: "img",
      "aria-label": `Prompts by their SRCC: ${model.prompts.slice(0, 10).reduce((sum, items) => sum + items, 0)} of ${total} below 0` });
    for (const at of ticks(0, most, 3)) svg.append(draw("line", { class: "gridline", x1: 34, x2: 548, y1: y(at), y2: y(at) }), draw("text", { x: 28, y: y(at) + 4, "text-anchor": "end" }, short(at)));
    model.prompts.forEach((items, bin) => svg.append(draw("rect", { class: bin < 10 ? "bar low" : "bar", x: x(-1 + bin / 10) + 1,
      y: y(items), width: x(0.1) - x(0) - 2, height: y(0) - y(items) }, draw("title", {}, `${items} prompts`))));
    for (const at of [-1, -0.5, 0, 0.5, 1]) svg.append(draw("text", { x: x(at), y: high - 24, "text-anchor": "middle" }, short(at)));
    svg.append(draw("line", { class: "zero", x1: x(0), x2: x(0), y1: 12, y2: high - 42 }),
      draw("text", { class: "strong", x: 291, y: high - 5, "text-anchor": "middle" }, "SRCC within one prompt"));
    const left = model.promptsLeftOut ? ` ${model.promptsLeftOut} prompts have too few images.` : "";
    return part("Within each prompt", `How many of ${total} prompts have which SRCC: does it rank images of the same prompt as people do?${left}`, svg);
  }
  function pairs(board, model) {
    const self = board.models.indexOf(model), tests = [];
    for (const [a, b, difference, low, high, p, shown] of board.pairs) {
      if (a === self) tests.push({ other: board.models[b], difference, low, high, p, shown });
      if (b === self) tests.push({ other: board.models[a], difference: -difference, low: high === null ? null : -high, high: low === null ? null : -low, p, shown });
    }
    if (!tests.length) return null;
    tests.sort((a, b) => (b.other.srcc[0] ?? -2) - (a.other.srcc[0] ?? -2));
    const ends = tests.flatMap((test) => [test.low ?? 0, test.high ?? 0, 0]), at = scale(Math.min(...ends), Math.max(...ends), 0.02, 0.98);
    const rows = tests.map((test) => {
      const apart = test.p !== null && test.p <= 0.05, kind = !apart ? "same" : test.difference > 0 ? "better" : "worse";
      const effect = make("td", { class: "effect", "aria-hidden": "true" }, make("u", { style: `left:${percent(at(0))}` }));
      if (test.low !== null) effect.append(make("i", { style: `left:${percent(at(test.low))};width:${percent(at(test.high) - at(test.low))}` }), make("b", { style: `left:${percent(at(test.difference))}` }));
      return make("tr", {}, make("th", { scope: "row" }, breakable(test.other.name)), make("td", { class: "own" }, number(test.other.srcc[0])), effect,
        make("td", {}, make("span", {}, `${test.difference > 0.0005 ? "+" : ""}${number(test.difference)}`), " ",
          test.low === null ? null : make("small", {}, `[${number(test.low)}, ${number(test.high)}]`)),
        make("td", { class: "p" }, test.shown),
        make("td", { class: `verdict ${kind}` }, { same: "not separable", better: "better", worse: "worse" }[kind],
          make("small", {}, `p ${test.shown}`)));
    });
    const head = ["Against", "its SRCC", "", "Difference [95 %]", "p", "This model is"].map((title, column) =>
      make("th", { scope: "col", class: [null, "own", "effect", null, "p", "verdict"][column], "aria-hidden": column === 2 ? "true" : null }, title));
    const same = tests.filter((test) => !(test.p !== null && test.p <= 0.05)).map((test) => test.other.name);
    const says = model.control
      ? "Its score was made for something else; it is held against the next such score and against the best model only."
      : `Separable from ${tests.length - same.length} of ${tests.length}${same.length ? `, not from ${same.join(", ")}` : ""}. Paired bootstrap on the same images, p corrected (Holm) over all pairs of the table.`;
    const section = part("Who it is separable from", says, make("table", { class: "pairs" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)));
    section.className = "all";
    return section;
  }
  function publishedPart(model) {
    if (!model.published.length) return null;
    const rows = model.published.map(([metric, value, ours, outside, source]) => make("tr", {}, make("th", { scope: "row" }, metric),
      make("td", {}, `${outside ? "≠ " : ""}${number(value)}`), make("td", {}, number(ours)), make("td", { class: "source" }, source)));
    const head = ["", "Published", "Here", "Source and protocol"].map((title, column) => make("th", { scope: "col", class: column === 3 ? "source" : null }, title));
    const section = part("What others printed", "≠ marks a value outside our interval; other parts of the set or other preparation explain most of them.",
      make("table", { class: "pairs" }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)));
    section.className = "all";
    return section;
  }
  function facts(model) {
    const list = make("dl");
    for (const [name, value] of model.facts) list.append(make("dt", {}, name), make("dd", {}, value));
    return part("The model", model.summary, list);
  }
  function show(key, name) {
    const board = data[key], model = board && board.models.find((candidate) => candidate.name === name);
    if (!model) return;
    document.getElementById("d-name").textContent = model.name;
    const standing = model.control ? `its ${model.control} score, not ranked` : model.tier ? `tier ${model.tier}` : "not ranked";
    document.getElementById("d-sub").textContent = `${board.title}, ${board.dimension}: SRCC ${interval(model.srcc)}, ${standing}`;
    const plot = scatter(board, model), aside = make("div");
    aside.append(...[generators(board, model, plot.choose), prompts(model)].filter(Boolean));
    const information = facts(model);
    // where there are no generators the facts stand beside the plot, else below
    if (!aside.children.length) aside.append(information);
    const below = information.parentElement === aside ? [] : [information];
    body.replaceChildren(plot.node, aside, ...[pairs(board, model), publishedPart(model)].filter(Boolean), ...below);
    below.forEach((section) => { section.className = "all"; });
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    document.getElementById("d-name").focus();
  }
  // A model has an address, #dataset/dimension/name. Opening one from a table adds a step to the history, so that
  // Back returns to the table; closing takes that step back. The table's own step has no address of a board: a
  // browser that goes back to one scrolls there, away from the row that was opened.
  const plain = location.pathname + location.search;
  const addressed = () => decodeURIComponent(location.hash.slice(1)).split("/");
  function route() {
    const [dataset, dimension, ...name] = addressed();
    if (name.length) show(`${dataset}/${dimension}`, name.join("/"));
    else if (dialog.open) dialog.close();
  }
  let opener = null;
  for (const link of all(".open")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab or a window of its own
      event.preventDefault();
      opener = link;
      history.replaceState(null, "", plain);
      history.pushState({ table: true }, "", link.hash);
      route();
    });
  }
  dialog.addEventListener("close", () => {
    if (addressed().length > 2) {
      if (history.state?.table) history.back();
      else history.replaceState(null, "", plain);
    }
    opener?.focus({ preventScroll: true });
    opener = null;
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.getElementById("d-close").addEventListener("click", () => dialog.close());
  addEventListener("hashchange", route);
  route();
})();
