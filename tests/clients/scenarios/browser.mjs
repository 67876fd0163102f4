// Sends events, a transaction and a session with @sentry/browser, which begins a session with each page.
import * as Sentry from "@sentry/browser";

const query = new URLSearchParams(location.search);
Sentry.init({
  dsn: query.get("dsn"),
  environment: "production",
  release: "1.0",
  traceLifecycle: "static", // otherwise the spans of a transaction are sent one by one
  tracesSampleRate: 1,
});
for (let number = 0; number < Number(query.get("messages")); number++) {
  Sentry.captureMessage(`message ${number}`);
}
Sentry.captureException(new Error("it broke"));
Sentry.startSpan({ name: "work", op: "task" }, () => {});
const sent = await Sentry.flush(10_000);
// The SDK keeps these back if the answers to the others told it to.
for (let number = 0; number < Number(query.get("later")); number++) {
  Sentry.captureMessage(`later ${number}`);
}
await Sentry.flush(10_000);
// As if the user left the page: the SDK then sends its client report.
Object.defineProperty(document, "visibilityState", { value: "hidden" });
document.dispatchEvent(new Event("visibilitychange"));
await Sentry.flush(10_000);
await fetch("/done", { method: "POST", body: JSON.stringify({ sent }) });
