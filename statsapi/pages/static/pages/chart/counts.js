// The counts that the server wrote into the page, as the chart reads them.

/** The counts of a range: one number for each bucket and outcome, or null for a bucket that is not kept. */
export class Counts {
  constructor(data) {
    Object.assign(this, data);
    this.outcomes = Object.keys(this.series); // in the order in which they are stacked
    this.gaps = this.#gaps();
    this.isAnything = this.gaps.length > 0 || this.outcomes.some((outcome) => this.series[outcome].some(Boolean));
  }

  static read(block = document.getElementById("counts")) {
    return new Counts(JSON.parse(block.textContent));
  }

  /** What uPlot keeps: the starts, then a list for each outcome, then the period before if there is one. */
  get columns() {
    const before = this.before ? [this.before.slice(0, this.starts.length)] : [];
    return [this.starts, ...this.outcomes.map((outcome) => this.series[outcome]), ...before];
  }

  endOf(place) {
    return this.starts[place + 1] ?? this.end;
  }

  /** Return the place of the bucket in which a time lies; the first or the last one for a time outside. */
  at(time) {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.starts[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  isKept(place) {
    return this.outcomes.some((outcome) => this.series[outcome][place] !== null);
  }

  /** Return the sum of outcomes in a bucket, or in all of them. */
  sum(outcomes, place = null) {
    const of = (list) => (place === null ? list.reduce((sum, count) => sum + (count ?? 0), 0) : (list[place] ?? 0));
    return outcomes.reduce((sum, outcome) => sum + of(this.series[outcome]), 0);
  }

  /** Return the most that a bucket has of these outcomes together, or that the period before has, if that is shown. */
  most(outcomes, before) {
    const most = this.starts.reduce((most, _, place) => Math.max(most, this.sum(outcomes, place)), 0);
    return before ? Math.max(most, ...this.before.map((count) => count ?? 0)) : most;
  }

  #gaps() {
    const gaps = [];
    this.starts.forEach((_, place) => {
      if (this.isKept(place)) return;
      if (gaps.at(-1)?.[1] === place - 1) gaps.at(-1)[1] = place;
      else gaps.push([place, place]);
    });
    return gaps;
  }
}
