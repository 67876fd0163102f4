// The chart of a project: bars of outcomes from the numbers that the server wrote into the page (#counts), drawn into
// #chart with uPlot. The table of the page has the same numbers, so nothing is lost without this script.

import { Counts } from "./counts.js";
import { Legend, grouped, make } from "./legend.js";
import { colours, paint } from "./paint.js";
import { Times } from "./times.js";
import { canZoom, isZoomed, zoomInto, zoomOut } from "./zoom.js";

const MOVES = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
const FONT = "12px system-ui, sans-serif";
const LABEL_WIDTH = 62; // CSS pixels from one tick to the next, at least
const DRAGGED = 5; // CSS pixels; less is a click
const HINT = canZoom()
  ? "Drag to zoom in, double-click to go back. Keys: ← → move, + and − zoom, Esc leaves."
  : "Keys: ← → move, Esc leaves.";
const SPOKEN = `Chart of the counts. The left and right arrow keys move over the buckets${canZoom() ? ", plus and minus zoom" : ""}.`;

class Chart {
  constructor(box) {
    this.box = box;
    this.hidden = new Set(); // what was switched off, by name
    this.place = null; // the bucket under the cursor
    this.byKeys = false; // whether keys put the cursor there, and not the mouse
    this.plot = make("div", { className: "chart-plot", tabIndex: 0, role: "application", ariaLabel: SPOKEN });
    this.column = make("div", { className: "chart-mark", hidden: true }); // marks the bucket under the cursor
    this.spoken = make("p", { className: "visually-hidden", ariaLive: "polite" });
    this.hint = make("p", { className: "chart-hint", textContent: HINT });
    this.live = make("span", { className: "live", id: "live" }); // for live.js
    this.back = make("button", { type: "button", className: "plain", textContent: "Zoom out", hidden: !isZoomed() });
    this.back.addEventListener("click", zoomOut);
    this.plot.addEventListener("keydown", (event) => this.#press(event));
    this.plot.addEventListener("blur", () => this.byKeys && this.#show(null));
    this.plot.addEventListener("mousemove", () => (this.byKeys = false), true);
    this.#build();
    new ResizeObserver(() => this.uplot.setSize(this.#size())).observe(this.plot);
    document.addEventListener("themechange", () => this.uplot.redraw(false));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.uplot.redraw(false));
    document.addEventListener("countschange", () => this.#update());
  }

  #build() {
    this.uplot?.destroy();
    this.counts = Counts.read();
    this.times = new Times(this.counts.zone);
    this.legend = new Legend(this.counts, this.times, this.hidden, () => this.#switched());
    const head = make("div", { className: "chart-head" }, this.legend.when, this.back, this.live);
    this.box.replaceChildren(head, this.plot, this.legend.list, this.hint, this.spoken);
    this.uplot = this.box.uplot = new uPlot(this.#options(), this.counts.columns, this.plot);
    this.uplot.over.append(this.column);
    this.uplot.over.addEventListener("dblclick", zoomOut);
    this.legend.show(this.place);
  }

  /** Show new numbers. The cursor stays at its time. */
  #update() {
    const counts = Counts.read();
    const columns = (of) => [of.zone, ...of.outcomes, Boolean(of.before)].join();
    const time = this.byKeys && this.place !== null ? this.counts.starts[this.place] : null;
    if (columns(counts) !== columns(this.counts)) {
      this.place = null;
      this.#build();
      return;
    }
    this.counts = this.legend.counts = counts;
    this.uplot.setData(counts.columns);
    this.#show(time === null || time < counts.starts[0] ? null : counts.at(time));
  }

  #options() {
    const lines = { points: { show: false }, paths: () => null };
    const colour = (name) => () => colours()(name);
    const axis = { stroke: colour("quiet"), font: FONT, grid: { stroke: colour("line"), width: 1 } };
    const ticks = { stroke: colour("line"), width: 1, size: 4 };
    return {
      ...this.#size(),
      padding: [10, 4, 0, 0],
      legend: { show: false },
      cursor: {
        x: false,
        y: false,
        points: { show: false },
        drag: { x: canZoom(), y: false, setScale: false, dist: DRAGGED },
        bind: { dblclick: () => null },
      },
      scales: {
        x: { time: false, range: () => [this.counts.starts[0], this.counts.end] },
        y: { range: () => [0, 1.06 * this.counts.most(this.legend.shown, this.legend.showsBefore) || 1] },
      },
      axes: [
        {
          ...axis,
          ticks,
          grid: { show: false },
          size: 44,
          splits: (u) => this.#ticks(u).ticks,
          values: (u, splits) => this.times.labels(splits, this.#ticks(u).seconds),
        },
        {
          ...axis,
          ticks: { show: false },
          incrs: [1, 2, 5].flatMap((first) => Array.from({ length: 19 }, (_, power) => first * 10 ** power)).sort((a, b) => a - b),
          space: 36,
          size: (u, labels) => this.#width(u, labels ?? ["0"]),
          values: (_, splits) => splits.map(grouped),
        },
      ],
      series: [{}, ...this.counts.columns.slice(1).map(() => lines)],
      hooks: {
        draw: [(u) => paint(u, this.counts, this.legend.shown, this.legend.showsBefore)],
        setCursor: [(u) => this.#point(u)],
        setSelect: [(u) => this.#zoom(u)],
        setSize: [() => this.#outline()],
      },
    };
  }

  #size() {
    return { width: Math.max(this.plot.clientWidth, 120), height: Math.max(this.plot.clientHeight, 120) };
  }

  #ticks(u) {
    return this.times.ticks(this.counts.starts, this.counts.interval, Math.floor((u.width - 60) / LABEL_WIDTH));
  }

  /** Return how wide the labels of the left axis are, in CSS pixels. */
  #width(u, labels) {
    u.ctx.save();
    u.ctx.font = FONT;
    const width = Math.max(...labels.map((label) => u.ctx.measureText(label).width));
    u.ctx.restore();
    return Math.ceil(width) + 14;
  }

  #switched() {
    this.legend.show(this.place);
    this.uplot.redraw();
  }

  /** Follow the mouse. It leaves at a negative place, which ends the cursor. */
  #point(u) {
    if (this.byKeys) return;
    const { left } = u.cursor;
    this.#show(left === undefined || left < 0 ? null : this.counts.at(u.posToVal(left, "x")));
  }

  /** Put the cursor on a bucket, or take it away. */
  #show(place) {
    this.place = place;
    this.legend.show(place);
    this.#outline();
  }

  /** Mark the bucket under the cursor. */
  #outline() {
    this.column.hidden = this.place === null;
    if (this.place === null) return;
    const left = this.uplot.valToPos(this.counts.starts[this.place], "x");
    const right = this.uplot.valToPos(this.counts.endOf(this.place), "x");
    this.column.style.left = `${left}px`;
    this.column.style.width = `${Math.max(right - left, 1)}px`;
  }

  /** Zoom into the buckets that were dragged over. */
  #zoom(u) {
    const { left, width } = u.select;
    if (width < DRAGGED) return;
    const [first, last] = [left, left + width - 1].map((pixel) => this.counts.at(u.posToVal(pixel, "x")));
    if (!this.#open(first, last)) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #open(first, last) {
    return zoomInto(this.counts.starts[first], this.counts.endOf(last));
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    this.byKeys = true;
    const last = this.counts.starts.length - 1;
    const place = this.place ?? last;
    if (event.key in MOVES) {
      const first = this.place === null && MOVES[event.key] === -1;
      this.#show(Math.min(Math.max(first ? last : place + MOVES[event.key], 0), last));
      this.spoken.textContent = this.legend.sentence(this.place);
    } else if (event.key === "+" || event.key === "=") {
      const reach = Math.max(1, Math.floor(last / 8));
      this.#open(Math.max(place - reach, 0), Math.min(place + reach, last));
    } else if (event.key === "-") {
      zoomOut();
    } else if (event.key === "Escape") {
      this.#show(null);
    } else {
      return;
    }
    event.preventDefault();
  }
}

const box = document.getElementById("chart");
if (box && window.uPlot) new Chart(box);
