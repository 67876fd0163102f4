// The legend: what the bucket under the cursor has, or the whole range without a cursor. An outcome is switched by it.

const BEFORE = "before";
const numbers = new Intl.NumberFormat("en");

/** Write a number as the tables of the page do. */
export const grouped = (count) => numbers.format(count);

/** Make an element with properties and children. */
export const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

/** What stands above and below the plot. */
export class Legend {
  /** `onSwitch` is called when an outcome, or the period before, was switched on or off. */
  constructor(counts, times, hidden, onSwitch) {
    this.counts = counts;
    this.times = times;
    this.hidden = hidden;
    this.when = make("p", { className: "chart-when" });
    this.total = make("output", { className: "chart-value" });
    this.values = new Map();
    this.list = make("ul", { className: "chart-legend" }, make("li", {}, make("span", { className: "chart-name" }, "Total shown"), this.total));
    for (const outcome of counts.outcomes) this.#add(outcome, counts.labels[outcome], onSwitch);
    if (counts.before) this.#add(BEFORE, "Received before", onSwitch);
  }

  #add(name, label, onSwitch) {
    const value = make("span", { className: "chart-value" });
    const swatch = make("span", { className: `swatch ${name}`, ariaHidden: "true" });
    const title = name === BEFORE ? "Received in the period before" : "";
    const button = make("button", { title, type: "button", ariaPressed: String(!this.hidden.has(name)) });
    button.append(make("span", { className: "chart-name" }, swatch, label), value);
    button.addEventListener("click", () => {
      if (!this.hidden.delete(name)) this.hidden.add(name);
      button.ariaPressed = String(!this.hidden.has(name));
      onSwitch();
    });
    this.values.set(name, value);
    this.list.append(make("li", {}, button));
  }

  get shown() {
    return this.counts.outcomes.filter((outcome) => !this.hidden.has(outcome));
  }

  get showsBefore() {
    return Boolean(this.counts.before) && !this.hidden.has(BEFORE);
  }

  /** Show the values of a bucket, or those of all buckets. */
  show(place) {
    this.when.textContent = this.#describe(place);
    this.total.textContent = this.#value(this.shown, place);
    for (const [name, value] of this.values) {
      value.textContent = name === BEFORE ? this.#before(place) : this.#value([name], place);
    }
  }

  /** Say a bucket in one sentence. What is zero is left out. */
  sentence(place) {
    if (!this.counts.isKept(place)) return this.#describe(place);
    const some = this.shown.filter((outcome) => this.counts.sum([outcome], place));
    const named = some.map((outcome) => `${this.counts.labels[outcome]} ${this.#value([outcome], place)}`);
    const before = this.showsBefore ? [`received in the period before ${this.#before(place)}`] : [];
    const said = [`Total ${this.#value(this.shown, place)}`, ...named, ...before];
    return `${this.#describe(place)}: ${said.join(", ")}`;
  }

  #describe(place) {
    const { starts, end, interval, open } = this.counts;
    if (place === null) return `${this.times.span(starts[0], end, interval)} · ${this.times.place(starts[0])}`;
    const span = this.times.span(starts[place], this.counts.endOf(place), interval);
    const state = this.counts.isKept(place) ? (place === open ? " · open" : "") : " · not kept";
    return `${span} · ${this.times.place(starts[place])}${state}`;
  }

  #value(outcomes, place) {
    return place !== null && !this.counts.isKept(place) ? "–" : grouped(this.counts.sum(outcomes, place));
  }

  #before(place) {
    const { before, starts } = this.counts;
    if (place === null) return grouped(before.slice(0, starts.length).reduce((sum, count) => sum + (count ?? 0), 0));
    return before[place] == null ? "–" : grouped(before[place]);
  }
}
