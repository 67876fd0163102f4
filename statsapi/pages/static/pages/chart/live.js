// The view that moves on: every ten seconds the page is fetched again, and its numbers take the place of the old ones.
// It rests while nobody looks, and says when it could not be renewed. Elements with `data-live` and an id are replaced.

import { Times } from "./times.js";

const PERIOD = 10; // seconds
const LATE = 1; // seconds after the end of a bucket, so that the last counts of it are there
const PATIENCE = 8; // seconds to wait for an answer

const read = () => JSON.parse(document.getElementById("counts").textContent);

class Live {
  constructor(status) {
    this.status = status;
    this.updated = read().now;
    this.ahead = this.updated - Date.now() / 1000; // of the server's clock, in seconds
    this.asking = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.renew()));
    this.say("Live");
    if (!document.hidden) this.plan();
  }

  say(words, isWrong = false) {
    this.status.textContent = words;
    this.status.classList.toggle("stale", isWrong);
  }

  plan() {
    const now = Date.now() / 1000 + this.ahead;
    const next = (Math.floor((now - LATE) / PERIOD) + 1) * PERIOD + LATE;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), (next - now) * 1000);
  }

  rest() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  async renew() {
    if (this.isOver) return;
    this.rest();
    const asking = (this.asking = new AbortController());
    const late = setTimeout(() => asking.abort(), PATIENCE * 1000);
    try {
      const response = await fetch(location.href, { signal: asking.signal, cache: "no-store" });
      if (response.redirected && new URL(response.url).pathname.startsWith("/login/")) {
        this.say("You are signed out, so this has stopped", true);
        this.isOver = true;
        return;
      }
      if (!response.ok) throw new Error(response.statusText);
      replace(new DOMParser().parseFromString(await response.text(), "text/html"));
      this.updated = read().now;
      this.say("Live");
    } catch {
      if (this.asking !== asking || document.hidden) return;
      const time = new Times(read().zone).seconds.format(this.updated * 1000);
      this.say(`Not updated since ${time}`, true);
    } finally {
      clearTimeout(late);
    }
    if (this.asking === asking && !document.hidden) this.plan();
  }
}

/** Take the numbers of a fresh page. What somebody is in the middle of using stays until the next time. */
function replace(fresh) {
  document.getElementById("counts").textContent = fresh.getElementById("counts").textContent;
  for (const element of fresh.querySelectorAll("[data-live][id]")) {
    const old = document.getElementById(element.id);
    if (!old || old.isEqualNode(element) || isInUse(old)) continue;
    old.replaceWith(document.adoptNode(element));
  }
  document.dispatchEvent(new Event("countschange"));
}

function isInUse(element) {
  const selection = getSelection();
  const selects = selection.type === "Range" && selection.containsNode(element, true);
  return selects || element.contains(document.activeElement);
}

const status = document.getElementById("live");
if (status && read().live) new Live(status);
