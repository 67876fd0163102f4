// Zooming: the address holds the range, so the server chooses the finest resolution that it still has for it.

const here = () => location.pathname + location.search;

/** Whether other ranges than those of the page can be shown. On the page of a public link they cannot. */
export const canZoom = () => document.getElementById("chart")?.dataset.zoom !== "off";

/** Open the page with another range, in seconds since the epoch. */
export function zoomInto(from, to) {
  if (!canZoom()) return false;
  const address = new URL(location.href);
  for (const name of ["range", "resolution"]) address.searchParams.delete(name);
  address.searchParams.set("from", from);
  address.searchParams.set("to", to);
  const target = address.pathname + address.search;
  if (target === here()) return false;
  sessionStorage.setItem(`zoomed:${target}`, here());
  location.assign(target);
  return true;
}

/** Whether the page shows a part that somebody chose. */
export const isZoomed = () => canZoom() && new URLSearchParams(location.search).has("from");

/** Go back to the range from which this one was chosen, or to the usual one if somebody sent the address. */
export function zoomOut() {
  if (!isZoomed()) return;
  const address = new URL(location.href);
  for (const name of ["from", "to", "resolution"]) address.searchParams.delete(name);
  location.assign(sessionStorage.getItem(`zoomed:${here()}`) ?? address.pathname + address.search);
}
