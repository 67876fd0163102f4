// Sends events (one of more than 32 KiB), a transaction and a session with @sentry/node.
// Arguments: the DSN, the number of messages, and the URL of a tunnel if there is one.
const Sentry = require("@sentry/node");

Sentry.init({
  dsn: process.argv[2],
  tunnel: process.argv[4],
  environment: "production",
  release: "1.0",
  traceLifecycle: "static", // otherwise the spans of a transaction are sent one by one
  tracesSampleRate: 1,
  integrations: (defaults) => defaults.filter((one) => one.name !== "ProcessSession"), // it would begin another session
});
for (let number = 0; number < Number(process.argv[3]); number++) {
  Sentry.captureMessage(`message ${number}`);
}
try {
  null.there;
} catch (error) {
  Sentry.captureException(error);
}
const lines = Array.from({ length: 400 }, (_, number) => [`line ${number}`, "x".repeat(200)]);
Sentry.captureMessage("a long one", { extra: Object.fromEntries(lines) });
Sentry.startSpan({ name: "work", op: "task" }, () => {});
Sentry.startSession();
Sentry.endSession();
Sentry.flush(10_000).then((sent) => process.exit(sent ? 0 : 1));
