// What is painted into the plot: bars of outcomes on top of each other, what is not kept, and the period before.

/** Colours by the names of the CSS variables, as they are at this moment: the theme may change. */
export const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
};

/** Return the colour of an outcome. Those that have none of their own share one. */
const colourOf = (outcome, colour) => colour(outcome.replaceAll("_", "-")) || colour("other");

/**
 * Paint the plot on top of the grid of uPlot.
 *
 * @param u the uPlot
 * @param {Counts} counts what is shown
 * @param {string[]} shown the outcomes that are not switched off, the lowest first
 * @param {boolean} before whether the period before is shown
 */
export function paint(u, counts, shown, before) {
  const { ctx, bbox } = u;
  const colour = colours();
  const edges = [...counts.starts, counts.end].map((time) => Math.round(u.valToPos(time, "x", true)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  paintGaps(ctx, bbox, counts, edges, colour);
  const fills = shown.map((outcome) => [outcome, colourOf(outcome, colour)]);
  counts.starts.forEach((_, place) => paintBucket(u, counts, fills, place, edges));
  if (before) paintBefore(u, counts.before, edges, colour);
  if (!counts.isAnything) paintWords(ctx, "No events in this time", bbox.left + bbox.width / 2, bbox, colour);
  ctx.restore();
}

function paintBucket(u, counts, fills, place, edges) {
  const { ctx } = u;
  const pixel = devicePixelRatio;
  const [left, right] = [edges[place], edges[place + 1]];
  const gap = right - left >= 5 * pixel ? Math.max(1, Math.round(pixel)) : 0;
  const width = Math.max(1, right - left - gap);
  let sum = 0;
  let top = Math.round(u.valToPos(0, "y", true));
  for (const [outcome, fill] of fills) {
    const count = counts.series[outcome][place];
    if (!count) continue;
    sum += count;
    const bottom = top;
    // What was counted is seen, however little it is.
    top = Math.min(Math.round(u.valToPos(sum, "y", true)), bottom - Math.ceil(pixel));
    ctx.fillStyle = fill;
    if (outcome === "cardinality_limited") ctx.globalAlpha = 0.6;
    if (place === counts.open) paintHatched(ctx, left, top, width, bottom - top);
    else ctx.fillRect(left, top, width, bottom - top);
    ctx.globalAlpha = 1;
  }
}

/** Fill a rectangle with stripes: more may be counted in this bucket. */
function paintHatched(ctx, left, top, width, height) {
  const full = ctx.fillStyle;
  const alpha = ctx.globalAlpha;
  ctx.globalAlpha = alpha * 0.35;
  ctx.fillRect(left, top, width, height);
  ctx.globalAlpha = alpha;
  ctx.fillStyle = stripes(ctx, full);
  ctx.fillRect(left, top, width, height);
}

function stripes(ctx, colour) {
  const size = Math.round(6 * devicePixelRatio);
  const tile = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = size / 3;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
  }
  pen.stroke();
  return ctx.createPattern(tile, "repeat");
}

/** Paint the buckets that are no longer kept, so that nobody takes them for zeros. */
function paintGaps(ctx, bbox, counts, edges, colour) {
  for (const [first, last] of counts.gaps) {
    const [left, right] = [edges[first], edges[last + 1]];
    ctx.fillStyle = colour("line");
    ctx.globalAlpha = 0.6;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.globalAlpha = 1;
    paintWords(ctx, "not kept", (left + right) / 2, bbox, colour, right - left);
  }
}

/** Write words in the middle of the plot, upright where there is no room. */
function paintWords(ctx, words, middle, bbox, colour, room = Infinity) {
  ctx.save();
  ctx.font = `${Math.round(13 * devicePixelRatio)}px system-ui, sans-serif`;
  ctx.fillStyle = colour("text");
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.translate(middle, bbox.top + bbox.height / 2);
  if (ctx.measureText(words).width > room) ctx.rotate(-Math.PI / 2);
  if (room > 14 * devicePixelRatio) ctx.fillText(words, 0, 0);
  ctx.restore();
}

function paintBefore(u, before, edges, colour) {
  const { ctx } = u;
  ctx.strokeStyle = colour("text");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  let draws = false;
  before.forEach((count, place) => {
    const known = count !== null && place + 1 < edges.length;
    if (known) {
      const [x, y] = [(edges[place] + edges[place + 1]) / 2, u.valToPos(count, "y", true)];
      if (draws) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
    }
    draws = known;
  });
  ctx.stroke();
  ctx.setLineDash([]);
}
