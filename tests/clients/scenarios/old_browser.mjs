// Sends with raven-js, which uses the store endpoint with its key in the query, and without any SDK.
import "/node_modules/raven-js/dist/raven.min.js";

const { Raven } = window;
const query = new URLSearchParams(location.search);
const messages = Number(query.get("messages"));

let answered = 0;
const all = new Promise((resolve) => {
  document.addEventListener("ravenSuccess", () => ++answered === messages && resolve());
});
Raven.config(query.get("dsn"), { environment: "production" }).install();
for (let number = 0; number < messages; number++) {
  Raven.captureMessage(`message ${number}`);
}
await all;

const { origin, pathname, username } = new URL(query.get("dsn"));
const envelope = (letter) => `{"event_id":"${letter.repeat(32)}"}\n{"type":"event"}\n{"message":"hello"}\n`;
const address = `${origin}/api${pathname}/envelope/`;
const beacon = navigator.sendBeacon(`${address}?sentry_key=${username}&sentry_version=7`, envelope("a"));
// Two headers that make the browser send a preflight request first.
const headers = { "X-Sentry-Auth": `Sentry sentry_key=${username}`, "Content-Type": "application/x-sentry-envelope" };
const response = await fetch(address, { method: "POST", headers, body: envelope("b") });
const { id } = await response.json();
await fetch("/done", { method: "POST", body: JSON.stringify({ answered, beacon, id }) });
