"use strict";
// One page, one state: which designs pass the filter, which one is chosen, and by what they are sorted.
// Texts of the data are only ever set as text (textContent), never as markup.
const report = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = data.index.length, PAGE = 50;
  const columns = data.columns, byName = Object.fromEntries(columns.map((c) => [c.name, c]));
  const objectives = data.objectives.map((o) => o.column);
  const state = { passing: [], shown: [], ranges: {}, chosen: 0, sort: objectives[0], down: false, page: 0 };
  const $ = (id) => document.getElementById(id);
  const make = (kind, text, attributes = {}) => {
    const element = document.createElement(kind);
    if (text !== undefined) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const drawn = (kind, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Values -----------------------------------------------------------------------------------------------
  const PREFIXES = { f: -15, p: -12, n: -9, "µ": -6, u: -6, m: -3, "": 0, k: 3, K: 3, M: 6, G: 9, T: 12, P: 15 };
  const BINARY = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
  const number = (column, row) => {
    if (column.data) return column.data[row];
    const value = column.numbers[column.codes[row]];
    return typeof value === "number" ? value : column.codes[row];
  };
  const digits = (value) => String(Number(value.toPrecision(3)));
  function unitOf(column, value) { // what a value of a column is divided by, and the unit it then has
    if (column.share) return [0.01, "%"];
    const [prefix, factor] = Object.entries(BINARY).reverse().find(([, one]) => Math.abs(value) >= one) || ["", 1];
    if (column.unit === "B") return [factor, `${prefix}B`];
    if (column.unit === "mm²" || column.unit === "°C" || value === 0) return [1, column.unit];
    const power = Math.max(-15, Math.min(15, 3 * Math.floor(Math.log10(Math.abs(Number(value.toPrecision(3)))) / 3)));
    const named = Object.entries(PREFIXES).find(([p, e]) => e === power && p !== "u" && p !== "K")[0];
    return [10 ** power, `${named}${column.unit}`];
  }
  function shown(column, value) {
    if (value === null || value === undefined) return "–";
    const [factor, unit] = unitOf(column, value);
    return `${digits(value / factor)} ${unit}`.trim();
  }
  const cell = (column, row) => (column.data ? shown(column, column.data[row]) : column.values[column.codes[row]]);
  const heading = (column) => (column.data ? column.title : column.name);

  // The filter: comparisons joined by "and" or commas ------------------------------------------------------
  function quantity(column, text) {
    const found = /^([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(.*)$/.exec(text);
    if (!found) return NaN;
    const [, digitsFound, unit] = found;
    if (unit === "") return Number(digitsFound);
    if (unit === "%") return Number(digitsFound) / 100;
    if (unit === "mm2" || unit === column.unit) return Number(digitsFound);
    for (const [prefix, factor] of Object.entries(BINARY)) if (unit === `${prefix}B`) return digitsFound * factor;
    const prefix = unit[0], rest = unit.slice(1);
    const known = rest === column.unit || (rest === "" && !column.unit);
    return prefix in PREFIXES && known ? digitsFound * 10 ** PREFIXES[prefix] : NaN;
  }
  const TESTS = { "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, ">": (a, b) => a > b,
    "==": (a, b) => a === b, "=": (a, b) => a === b, "!=": (a, b) => a !== b };
  function parse(text) {
    return text.split(/\s+and\s+|[,;\n]/).map((part) => part.trim()).filter(Boolean).map((part) => {
      const found = /^(.+?)\s*(<=|>=|==|!=|<|>|=)\s*(.+)$/.exec(part);
      if (!found) throw new Error(`“${part}”: write a column, a comparison and a value, such as area_mm2 <= 2`);
      const [, name, sign, value] = found, column = byName[name.trim()];
      if (!column) throw new Error(`no column “${name.trim()}”; there are ${columns.slice(0, 4).map((c) => c.name).join(", ")}, …`);
      const test = TESTS[sign];
      if (!column.data && column.numbers.some((one) => typeof one !== "number")) {
        if (!["==", "=", "!="].includes(sign)) throw new Error(`“${name.trim()}” holds names: compare with == or !=`);
        if (!column.numbers.map(String).includes(value)) throw new Error(`“${name.trim()}” is never “${value}”; it is ${column.values.join(", ")}`);
        return (row) => test(String(column.numbers[column.codes[row]]), value);
      }
      const limit = quantity(column, value);
      if (Number.isNaN(limit)) throw new Error(`“${value}” is no value of ${column.name}${column.unit ? ` (in ${column.unit})` : ""}`);
      return (row) => { const own = number(column, row); return own !== null && test(own, limit); };
    });
  }
  function filter() {
    let tests = [], wrong = "";
    try { tests = parse($("filter").value); } catch (problem) { wrong = problem.message; }
    const ranges = Object.entries(state.ranges);
    state.passing = [];
    for (let row = 0; row < count; row++) {
      const kept = tests.every((test) => test(row)) && ranges.every(([name, [low, high]]) => {
        const at = placeOf(byName[name], row);
        return at !== null && at >= low && at <= high;
      });
      if (kept) state.passing.push(row);
    }
    $("filtered").textContent = wrong || `${state.passing.length.toLocaleString("en")} of ${count.toLocaleString("en")} ${count === 1 ? "design" : "designs"}`;
    $("filtered").classList.toggle("wrong", Boolean(wrong));
    state.page = 0;
  }

  // The table ----------------------------------------------------------------------------------------------
  const tabled = [...objectives.map((name) => byName[name]), ...columns.filter((c) => !c.data)];
  function sorted() {
    const column = byName[state.sort], way = state.down ? -1 : 1;
    const worth = (row) => (column ? number(column, row) : data.index[row]);
    state.shown = [...state.passing].sort((a, b) => {
      const x = worth(a), y = worth(b);
      if (x === null || y === null) return (x === null) - (y === null);
      return way * (x - y) || a - b;
    });
  }
  function head() {
    const row = make("tr");
    for (const [name, title] of [["", "Design"], ...tabled.map((c) => [c.name, heading(c)])]) {
      const th = make("th", undefined, { scope: "col" }), button = make("button", title, { type: "button" });
      const ours = state.sort === name;
      th.setAttribute("aria-sort", ours ? (state.down ? "descending" : "ascending") : "none");
      if (ours) button.textContent += state.down ? " ↓" : " ↑";
      button.addEventListener("click", () => {
        state.down = ours && !state.down;
        state.sort = name;
        state.page = 0;
        sorted();
        table();
        $("table").querySelector(`th:nth-child(${[...row.children].indexOf(th) + 1}) button`).focus();
      });
      th.append(button);
      row.append(th);
    }
    $("table").tHead.replaceChildren(row);
  }
  function table() {
    head();
    const pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const rows = state.shown.slice(state.page * PAGE, (state.page + 1) * PAGE);
    const body = document.createDocumentFragment();
    for (const row of rows) {
      const line = make("tr", undefined, { "data-row": row, tabindex: -1, "aria-selected": row === state.chosen });
      line.append(make("td", named(row)), ...tabled.map((column) => make("td", cell(column, row))));
      body.append(line);
    }
    $("table").tBodies[0].replaceChildren(body);
    const focus = line(state.chosen) || $("table").tBodies[0].firstElementChild;
    if (focus) focus.tabIndex = 0;
    $("place").textContent = `${state.page + 1} of ${pages.toLocaleString("en")}`;
    $("previous").disabled = state.page === 0;
    $("next").disabled = state.page === pages - 1;
  }
  const line = (row) => $("table").querySelector(`tr[data-row="${row}"]`);
  const named = (row) => data.named[row] || `${data.index[row]}`;
  function turn(step) { state.page += step; table(); }
  function walk(event) {
    const at = state.shown.indexOf(Number(event.target.closest("tr")?.dataset.row));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + PAGE, PageUp: at - PAGE, Home: 0,
      End: state.shown.length - 1, Enter: at, " ": at }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    choose(state.shown[Math.max(0, Math.min(state.shown.length - 1, to))], true);
  }

  // One design ---------------------------------------------------------------------------------------------
  const BARS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
  function bars(parts, width = 640) {
    const total = parts.reduce((sum, [, value]) => sum + value, 0), height = 34, svg = drawn("svg", {
      viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": parts.map(([name, , text]) => `${name} ${text}`).join(", ") });
    let x = 0;
    parts.forEach(([name, value, text], place) => {
      const wide = total > 0 ? (width * value) / total : 0;
      const bar = drawn("rect", { x, y: 2, width: Math.max(wide, 0), height: height - 4, fill: parts[place][3], stroke: style("--ink"), "stroke-width": 0.5 });
      bar.append(drawn("title", {}, `${name}: ${text}`));
      svg.append(bar);
      x += wide;
    });
    return svg;
  }
  function legend(entries) {
    const list = make("ul", undefined, { class: "legend" });
    for (const [name, colour] of entries) {
      const item = make("li"), box = make("i");
      box.style.background = colour;
      item.append(box, name);
      list.append(item);
    }
    return list;
  }
  const text = (numbers) => numbers.map((one) => data.lines[one]).join("\n");
  function breakdown(panel, row) {
    const energy = { name: "energy_j", unit: "J" };
    const parts = data.parts.map(([name, title], place) => [title, byName[name]?.data[row] ?? 0, shown(energy, byName[name]?.data[row] ?? 0), BARS[place]])
      .filter((part) => part[1] > 0);
    if (!parts.length) return;
    panel.append(make("h2", "Energy by component"), bars(parts), legend(parts.map(([name, , said, colour]) => [`${name} ${said}`, colour])));
  }
  function schedule(panel, row) {
    const operations = data.operations?.designs[row];
    if (!operations) {
      if (data.operations) panel.append(make("p", "Operations are kept for some designs only (to_html(details=...)); those with a name have them.", { class: "quiet" }));
      return;
    }
    const bound = operations.bound.map((code) => data.operations.bounds[code]), second = { name: "latency_s", unit: "s" };
    const bounds = [...new Set(bound)], colour = (one) => BARS[bounds.indexOf(one) % BARS.length];
    const parts = operations.latency_s.map((value, i) => [`${data.operations.names[i]} (${bound[i]})`, value || 0, shown(second, value), colour(bound[i])]);
    panel.append(make("h2", "Operations in time, by what they wait for"), bars(parts), legend(bounds.map((one) => [one, colour(one)])));
    const longest = operations.latency_s.map((value, i) => [value || 0, i]).sort((a, b) => b[0] - a[0]).slice(0, 8);
    const list = make("table"), body = make("tbody"), energy = { name: "energy_j", unit: "J" };
    for (const [value, i] of longest) {
      const tr = make("tr");
      tr.append(...[data.operations.names[i], shown(second, value), shown(energy, operations.energy_j[i]), bound[i]].map((said) => make("td", said)));
      body.append(tr);
    }
    const titles = make("tr");
    titles.append(...["Longest operations", "latency", "energy", "waits for"].map((said) => make("th", said, { scope: "col" })));
    list.append(titles, body);
    panel.append(list);
  }
  function tensors(panel, row) {
    const rows = data.tensors?.[row];
    if (!rows) return;
    const list = make("table"), body = make("tbody"), titles = make("tr");
    titles.append(...["Tensor", "lives in", "written by", "last read by", "bytes", "why it crosses"].map((said) => make("th", said, { scope: "col" })));
    for (const cells of rows) {
      const tr = make("tr");
      tr.append(...cells.map((said) => make("td", said)));
      body.append(tr);
    }
    list.append(titles, body);
    panel.append(make("h2", "Where tensors live"), list);
  }
  function pythonOf(row) {
    if (data.python) {
      const changes = columns.filter((c) => !c.data).map((c) => `    ${JSON.stringify(c.name)}: ${JSON.stringify(c.numbers[c.codes[row]])},`);
      return `import hwmodels\n\nmachine = hwmodels.load(${JSON.stringify(data.python)}).replace({\n${changes.join("\n").replace(/: true,/g, ": True,").replace(/: false,/g, ": False,")}\n})\n`;
    }
    if (!data.files[row]) return "";
    const file = `design_${data.index[row]}.yaml`;
    return `from pathlib import Path\n\nimport hwmodels\n\nPath(${JSON.stringify(file)}).write_text(${JSON.stringify(text(data.files[row]) + "\n")})\nmachine = hwmodels.load(${JSON.stringify(file)})\n`;
  }
  const yamlOf = (row) => (data.files[row] ? text(data.files[row]) + "\n" : "");
  function copying(panel, row) {
    const area = make("textarea", undefined, { rows: 6, readonly: "", hidden: "", "aria-label": "Copied text" });
    for (const [name, write] of [["Python", pythonOf], ["YAML", yamlOf]]) {
      const said = write(row), button = make("button", `Copy as ${name}`, { type: "button" });
      button.disabled = !said;
      if (!said) button.title = "this page carries no machine file of this design";
      button.addEventListener("click", async () => {
        area.value = said;
        area.hidden = false;
        area.select();
        try { await navigator.clipboard.writeText(said); } catch { document.execCommand("copy"); }
        button.textContent = `Copied as ${name}`;
      });
      panel.append(button);
    }
    panel.append(area);
  }
  function detail() {
    const panel = $("detail"), row = state.chosen;
    panel.replaceChildren(make("h2", data.named[row] ? `${data.named[row]} (design ${data.index[row]})` : `Design ${data.index[row]}`));
    copying(panel, row);
    breakdown(panel, row);
    schedule(panel, row);
    tensors(panel, row);
    const list = make("table"), body = make("tbody");
    for (const column of columns) {
      const tr = make("tr");
      tr.append(make("th", heading(column), { scope: "row" }), make("td", cell(column, row)));
      body.append(tr);
    }
    list.append(body);
    panel.append(make("h2", "Values"), list);
    if (data.sheets[row]) panel.append(make("h2", "Data sheet"), make("pre", text(data.sheets[row])));
    else if (data.files[row]) panel.append(make("h2", "Machine file"), make("pre", text(data.files[row])));
  }
  function choose(row, focus) {
    state.chosen = row;
    const at = state.shown.indexOf(row);
    if (at >= 0) state.page = Math.floor(at / PAGE);
    table();
    detail();
    parallel();
    ring();
    if (focus) line(row)?.focus();
  }

  // The scatter: plotly ------------------------------------------------------------------------------------
  const LIGHT = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#dde318"];
  const DARK = ["#5b51a3", "#4573b0", "#2f96a8", "#22ab8d", "#4fc26b", "#8fd744", "#d0e11c", "#fdf3a0"];
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const scale = () => (dark() ? DARK : LIGHT).map((one, i, all) => [i / (all.length - 1), one]);
  const spread = (values) => {
    const positive = values.filter((value) => value !== null);
    return positive.length > 0 && Math.min(...[Math.min, Math.max].map((f) => positive.reduce((a, b) => f(a, b)))) > 0 && positive.reduce((a, b) => Math.max(a, b)) > 3 * positive.reduce((a, b) => Math.min(a, b));
  };
  const all = (column) => Array.from({ length: count }, (_, row) => number(column, row));
  const RULERS = {};
  function ruler(column) { // logarithmic, or linear in the unit of its largest value
    if (RULERS[column.name]) return RULERS[column.name];
    const largest = column.data ? column.data.reduce((a, b) => Math.max(a, Math.abs(b ?? 0)), 0) : 0;
    const log = Boolean(column.data) && spread(all(column)), [factor, unit] = log || !column.data ? [1, column.unit] : unitOf(column, largest);
    return (RULERS[column.name] = { log, factor, title: `${heading(column)}${column.data && unit && !log ? ` (${unit})` : ""}` });
  }
  const measured = (column, value) => (value === null ? null : value / ruler(column).factor);
  function axis(column) {
    const { log, title } = ruler(column), base = { title: { text: plain(title) },
      gridcolor: style("--line"), linecolor: style("--quiet"), zeroline: false, color: style("--ink"), exponentformat: "SI" };
    if (!column.data && column.numbers.some((one) => typeof one !== "number"))
      return { ...base, tickvals: column.values.map((_, code) => code), ticktext: column.values.map(plain) };
    if (!log) return base;
    const { tickvals, ticktext } = logTicks(column, 1);
    return { ...base, type: "log", tickvals: tickvals.map((tick) => 10 ** tick), ticktext };
  }
  const taken = () => ["x", "y", "colour"].map((id) => byName[$(id).value]);
  const hover = (row) => plain(named(row)) + tabled.map((column) => `<br>${plain(heading(column))} ${plain(cell(column, row))}`).join("");
  const WEBGL = Boolean(document.createElement("canvas").getContext("webgl"));
  const SYMBOLS = ["diamond", "square", "triangle-up", "pentagon", "hexagon"];
  const drawnAt = (column, row) => measured(column, number(column, row));
  const at = (column, row) => (ruler(column).log ? Math.log10(number(column, row)) : drawnAt(column, row));
  const NO_HOVER = { mode: "markers", type: "scatter", hoverinfo: "skip", showlegend: false };
  function ring() {
    if (!window.Plotly || !$("scatter").data) return;
    const [x, y] = taken(), row = state.chosen;
    Plotly.restyle("scatter", { x: [[drawnAt(x, row)]], y: [[drawnAt(y, row)]] }, [3]);
  }
  function scatter() {
    if (!window.Plotly) return;
    const [x, y, colour] = taken(), rows = state.passing, kept = new Set(rows), names = Object.keys(data.named).map(Number).filter((row) => kept.has(row));
    const behind = data.background[x.name] && data.background[y.name];
    const many = count > 3000;
    const shades = rows.map((row) => number(colour, row));
    const { log, title } = ruler(colour);
    const shade = (one) => (log && one !== null ? Math.log10(one) : measured(colour, one));
    const every = all(colour).filter((one) => one !== null).map(shade); // colours stay what they are under a filter
    const least = every.reduce((a, b) => Math.min(a, b), Infinity), most = every.reduce((a, b) => Math.max(a, b), -Infinity);
    const notes = names.map((row) => ({ x: at(x, row), y: at(y, row), text: plain(named(row)), showarrow: false, xanchor: "left", yanchor: "bottom", xshift: 8, yshift: 6,
      bgcolor: style("--paper"), opacity: 0.88, borderpad: 1, font: { size: 12, color: style("--ink") } }));
    const traces = [
      { ...NO_HOVER, x: behind ? data.background[x.name].map((one) => measured(x, one)) : [], y: behind ? data.background[y.name].map((one) => measured(y, one)) : [], marker: { size: 3, color: style("--line") } },
      { mode: "markers", type: many && WEBGL ? "scattergl" : "scatter", name: "designs", showlegend: false, x: rows.map((row) => drawnAt(x, row)), y: rows.map((row) => drawnAt(y, row)), customdata: rows,
        hoverinfo: "text", text: rows.length <= 3000 ? rows.map(hover) : rows.map((row) => plain(named(row))),
        marker: { size: many ? 5 : 8, color: shades.map(shade), cmin: least, cmax: most, showscale: most > least, colorscale: scale(),
          line: { width: many ? 0 : 0.5, color: style("--paper") },
          colorbar: { title: { text: plain(title), side: "right" }, thickness: 12, tickfont: { color: style("--ink") },
            ...(log ? logTicks(colour) : !colour.data ? { tickvals: colour.numbers.map((one, code) => (typeof one === "number" ? one : code)), ticktext: colour.values.map(plain) } : { exponentformat: "SI" }) } } },
      { mode: "markers", type: "scatter", showlegend: false, x: names.map((row) => drawnAt(x, row)), y: names.map((row) => drawnAt(y, row)), customdata: names,
        hovertext: names.map(hover), hoverinfo: "text",
        marker: { size: names.map((row) => (named(row).includes("knee") ? 16 : 12)), symbol: names.map((row, i) => (named(row).includes("knee") ? "star" : SYMBOLS[i % SYMBOLS.length])), color: style("--paper"), line: { width: 1.6, color: style("--ink") } } },
      { ...NO_HOVER, x: [], y: [], marker: { size: 20, symbol: "circle-open", line: { width: 2.5 }, color: style("--warm") } },
    ];
    const layout = { annotations: notes, xaxis: { ...axis(x), automargin: true }, yaxis: { ...axis(y), automargin: true }, margin: { l: 60, r: 10, t: 10, b: 50 }, paper_bgcolor: style("--paper"),
      plot_bgcolor: style("--paper"), font: { color: style("--ink"), size: 13 }, hovermode: "closest", dragmode: "zoom", uirevision: `${x.name} ${y.name}` };
    const clip = (column, way) => { // the front fills the figure; the others may lie outside of it
      if (!behind || !column.data) return;
      const own = all(column).filter((one) => one !== null && (!way.type || one > 0)).map((one) => (way.type ? Math.log10(one) : measured(column, one)));
      const low = own.reduce((a, b) => Math.min(a, b), Infinity), high = own.reduce((a, b) => Math.max(a, b), -Infinity);
      const room = 0.08 * (high - low || Math.abs(high) || 1);
      way.range = [low - room, high + 2 * room];
    };
    clip(x, layout.xaxis);
    clip(y, layout.yaxis);
    apart(notes, layout);
    Plotly.react("scatter", traces, layout, { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] });
    if (!$("scatter").dataset.heard) {
      $("scatter").dataset.heard = "yes";
      $("scatter").on("plotly_click", (event) => { const row = event.points[0].customdata; if (row !== undefined) choose(row, false); });
    }
    ring();
  }
  function apart(notes, layout) { // names of near designs one above the other
    const box = $("scatter").getBoundingClientRect(), taken = [];
    const pixel = (value, way, length) => (way.range ? ((value - way.range[0]) / (way.range[1] - way.range[0])) * length : 0);
    for (const note of notes) {
      if (!layout.xaxis.range || !layout.yaxis.range) return;
      const left = pixel(note.x, layout.xaxis, 0.8 * box.width), foot = pixel(note.y, layout.yaxis, 0.8 * box.height), width = 7 * note.text.length + 6;
      const meets = () => taken.some((one) => left < one.left + one.width && one.left < left + width && Math.abs(foot + note.yshift - one.foot) < 17);
      while (meets()) note.yshift += 4;
      taken.push({ left, width, foot: foot + note.yshift });
    }
  }
  function logTicks(column, room = 0) { // places of 1, 2 and 5, in powers of ten, and what they are called
    const values = all(column).filter((one) => one > 0), low = Math.log10(values.reduce((a, b) => Math.min(a, b))) - room, high = Math.log10(values.reduce((a, b) => Math.max(a, b))) + room;
    const at = [], subs = high - low - 2 * room > 1.6 ? [1, 3] : [1, 2, 3, 5];
    for (let power = Math.floor(low); power <= high; power++) for (const one of subs) { const tick = power + Math.log10(one); if (tick >= low && tick <= high) at.push(tick); }
    return { tickvals: at, ticktext: at.map((tick) => shown({ ...column, name: "" }, Number((10 ** tick).toPrecision(3)))) };
  }

  // Parallel coordinates: a canvas, as ten thousand lines have to be ----------------------------------------
  const lanes = [...columns.filter((c) => !c.data && c.values.length > 1), ...objectives.map((name) => byName[name])];
  const SPAN = {};
  function span(column) {
    if (SPAN[column.name]) return SPAN[column.name];
    if (!column.data) return (SPAN[column.name] = { low: 0, high: Math.max(1, column.values.length - 1), log: false });
    const values = column.data.filter((one) => one !== null), log = spread(column.data);
    const low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    return (SPAN[column.name] = { low, high, log });
  }
  function placeOf(column, row) { // 0 at the foot of a lane, 1 at its head; null where there is no number
    const value = column.data ? column.data[row] : column.codes[row], { low, high, log } = span(column);
    if (value === null) return null;
    if (high === low) return 0.5;
    return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  }
  const TOP = 44, FOOT = 22, SIDE = 40;
  const canvas = $("parallel");
  const laneX = (i) => SIDE + (i * (canvas.clientWidth - 2 * SIDE)) / Math.max(1, lanes.length - 1);
  const laneY = (place) => TOP + (1 - place) * (canvas.clientHeight - TOP - FOOT);
  function parallel() {
    const width = Math.max(canvas.parentElement.clientWidth, 66 * lanes.length), height = 300, sharp = devicePixelRatio || 1;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = width * sharp;
    canvas.height = height * sharp;
    const pen = canvas.getContext("2d"), colour = byName[$("colour").value], shades = scale().map(([, one]) => one);
    pen.scale(sharp, sharp);
    const trace = (row) => {
      pen.beginPath();
      let down = false;
      lanes.forEach((lane, i) => {
        const place = placeOf(lane, row);
        if (place === null) { down = false; return; }
        if (down) pen.lineTo(laneX(i), laneY(place)); else pen.moveTo(laneX(i), laneY(place));
        down = true;
      });
      pen.stroke();
    };
    pen.globalAlpha = Math.max(0.12, Math.min(0.75, 120 / Math.max(1, state.passing.length)));
    for (const row of state.passing) {
      const place = placeOf(colour, row) ?? 0;
      pen.strokeStyle = shades[Math.max(0, Math.min(shades.length - 1, Math.floor(place * shades.length)))];
      trace(row);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = style("--warm");
    pen.lineWidth = 2.5;
    trace(state.chosen);
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    lanes.forEach((lane, i) => {
      const x = laneX(i), { low, high } = span(lane);
      pen.strokeStyle = style("--quiet");
      pen.beginPath();
      pen.moveTo(x, laneY(0));
      pen.lineTo(x, laneY(1));
      pen.stroke();
      pen.fillStyle = style("--ink");
      pen.fillText(short(lane), x, i % 2 ? 26 : 12, 124);
      const say = (value) => (lane.data ? shown(lane, value) : lane.values[value]);
      pen.fillStyle = style("--quiet");
      if (Number.isFinite(low)) { pen.fillText(say(high), x, TOP - 4, 62); pen.fillText(say(low), x, canvas.clientHeight - 6, 62); }
      const range = state.ranges[lane.name];
      if (range) {
        pen.strokeStyle = style("--warm");
        pen.lineWidth = 5;
        pen.beginPath();
        pen.moveTo(x, laneY(range[0]));
        pen.lineTo(x, laneY(range[1]));
        pen.stroke();
        pen.lineWidth = 1;
      }
    });
  }
  const short = (lane) => (lane.data ? lane.title : lane.name.split(".").slice(-2).join("."));
  let grip = null;
  const laneAt = (event) => {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left;
    let best = 0;
    lanes.forEach((_, i) => { if (Math.abs(laneX(i) - x) < Math.abs(laneX(best) - x)) best = i; });
    return { lane: lanes[best], place: 1 - (event.clientY - box.top - TOP) / (canvas.clientHeight - TOP - FOOT) };
  };
  canvas.addEventListener("pointerdown", (event) => { grip = laneAt(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", (event) => {
    if (!grip) return;
    const { place } = laneAt(event), low = Math.min(place, grip.place), high = Math.max(place, grip.place);
    if (high - low < 0.02) delete state.ranges[grip.lane.name];
    else state.ranges[grip.lane.name] = [Math.max(0, low), Math.min(1, high)];
    grip = null;
    renew();
  });

  // All of it ----------------------------------------------------------------------------------------------
  function renew() {
    filter();
    sorted();
    if (state.passing.length && !state.passing.includes(state.chosen)) state.chosen = state.shown[0];
    table();
    detail();
    parallel();
    scatter();
  }
  function themed() {
    $("theme").textContent = dark() ? "Light" : "Dark";
    detail();
    parallel();
    scatter();
  }
  for (const [id, chosen] of [["x", objectives[0]], ["y", objectives[1] || objectives[0]], ["colour", objectives[2] || objectives[0]]]) {
    for (const column of columns) $(id).append(make("option", heading(column), { value: column.name }));
    $(id).value = chosen;
    $(id).addEventListener("change", () => { parallel(); scatter(); });
  }
  let waiting = 0;
  $("filter").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(renew, 150); });
  $("controls").addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); renew(); });
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  const body = $("table").tBodies[0];
  body.addEventListener("keydown", walk);
  body.addEventListener("click", (event) => { const tr = event.target.closest("tr"); if (tr) choose(Number(tr.dataset.row), true); });
  $("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; themed(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);
  addEventListener("resize", parallel);
  $("provenance").textContent = JSON.stringify(data.provenance, null, 1);
  $("theme").textContent = dark() ? "Light" : "Dark";
  const first = Number(Object.keys(data.named).find((row) => data.named[row].includes("knee")) ?? 0);
  filter();
  sorted();
  state.chosen = first;
  state.page = Math.floor(Math.max(0, state.shown.indexOf(first)) / PAGE);
  table();
  detail();
  parallel();
  return { draw: scatter, state, data, pythonOf, yamlOf };
})();
