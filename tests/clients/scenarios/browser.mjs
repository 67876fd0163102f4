// Events and a transaction of @sentry/browser, and its session: it begins one with each page.
import * as Sentry from "@sentry/browser";

const query = new URLSearchParams(location.search);
Sentry.init({
  dsn: query.get("dsn"),
  environment: "production",
  release: "1.0",
  traceLifecycle: "static", // else the spans of a transaction are sent one by one
  tracesSampleRate: 1,
});
for (let number = 0; number < Number(query.get("messages")); number++) {
  Sentry.captureMessage(`message ${number}`);
}
Sentry.captureException(new Error("it broke"));
Sentry.startSpan({ name: "work", op: "task" }, () => {});
const sent = await Sentry.flush(10_000);
// These are kept back where the answers to the others said so.
for (let number = 0; number < Number(query.get("later")); number++) {
  Sentry.captureMessage(`later ${number}`);
}
await Sentry.flush(10_000);
// As when the user leaves: the SDK then sends its client report.
Object.defineProperty(document, "visibilityState", { value: "hidden" });
document.dispatchEvent(new Event("visibilitychange"));
await Sentry.flush(10_000);
await fetch("/done", { method: "POST", body: JSON.stringify({ sent }) });
