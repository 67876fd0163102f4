// How the chart names times: in the zone of the page, which need not be the browser's.

const DAY = 86400;

/** How far apart ticks may be, and the number of the period in which a wall time (in seconds) lies. */
const STEPS = [
  ...[10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, DAY, 2 * DAY].map((seconds) => ({
    seconds,
    period: (wall) => Math.floor(wall / seconds),
  })),
  ...[7, 14].map((days) => ({
    seconds: days * DAY,
    period: (wall) => Math.floor((wall / DAY + 3) / days), // weeks begin on Mondays
  })),
  ...[1, 3, 12, 120].map((months) => ({ seconds: months * 28 * DAY, period: (wall) => Math.floor(month(wall) / months) })),
];

const month = (wall) => {
  const date = new Date(wall * 1000);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

/** Times in a zone. A zone that this browser does not know is shown as UTC, and named so. */
export class Times {
  constructor(zone) {
    const format = (options) => new Intl.DateTimeFormat("en", { timeZone: this.zone, hourCycle: "h23", ...options });
    this.zone = zone;
    try {
      format({});
    } catch {
      this.zone = "UTC";
    }
    this.digits = format({ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    this.words = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
    this.clock = format({ hour: "2-digit", minute: "2-digit" });
    this.seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.offset = format({ timeZoneName: "shortOffset" });
  }

  /** Return what a clock on the wall shows, as if it were in UTC. Seconds since the epoch in and out. */
  wall(time) {
    const { year, month, day, hour, minute, second } = parts(this.digits, time);
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  }

  time(time, interval) {
    return (interval % 60 ? this.seconds : this.clock).format(time * 1000);
  }

  day(time) {
    const { weekday, day, month, year } = parts(this.words, time);
    return `${weekday} ${day} ${month} ${year}`;
  }

  /** Return the name of the zone, and how far it is from UTC at that time. */
  place(time) {
    return this.zone === "UTC" ? "UTC" : `${this.zone}, ${parts(this.offset, time).timeZoneName}`;
  }

  /** Name the span between two times. Whole days are named without hours. */
  span(start, end, interval) {
    const days = interval >= DAY && [start, end].every((time) => this.wall(time) % DAY === 0);
    const last = this.day(end - 1);
    if (days) return this.day(start) === last ? last : `${this.day(start)} – ${last}`;
    // A day that ends at midnight lasts until 24:00. Until 00:00 would look like no time at all.
    const isWhole = this.day(start) === last && this.wall(end) % DAY === 0;
    const until = isWhole ? (interval % 60 ? "24:00:00" : "24:00") : this.time(end, interval);
    const date = this.day(start) === last ? "" : `${this.day(end)}, `;
    return `${this.day(start)}, ${this.time(start, interval)} – ${date}${until}`;
  }

  /** Return at most `most` of the starts of buckets to put ticks at: the first of each minute, hour, day, …. */
  ticks(starts, interval, most) {
    const walls = [this.wall(starts[0] - interval), ...starts.map((start) => this.wall(start))];
    for (const { seconds, period } of STEPS) {
      if (seconds < interval) continue;
      const periods = walls.map(period);
      const ticks = starts.filter((_, place) => periods[place + 1] !== periods[place]);
      if (ticks.length <= Math.max(most, 1)) return { ticks, seconds };
    }
    return { ticks: [], seconds: DAY };
  }

  /** Return the labels of ticks. The second line says the date, or the year, where it is another one. */
  labels(ticks, seconds) {
    let above = "";
    return ticks.map((tick) => {
      const { day, month, year } = parts(this.words, tick);
      const [first, second] =
        seconds < DAY
          ? [this.time(tick, seconds), `${day} ${month}`]
          : [seconds < 28 * DAY ? `${day} ${month}` : month, year];
      const label = second === above ? first : `${first}\n${second}`;
      above = second;
      return label;
    });
  }
}

const parts = (format, time) =>
  Object.fromEntries(format.formatToParts(time * 1000).map(({ type, value }) => [type, value]));
