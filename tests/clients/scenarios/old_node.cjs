// Sends events (one of more than 32 KiB), a transaction and a session with @sentry/node 4 to 7, as far as they can.
// Arguments: the name of the package, that of its tracing package or "", the DSN, the number of messages, and the number
// of messages after a refusal.
const [sdk, tracing, dsn, messages, later] = process.argv.slice(2);
const Sentry = require(sdk);
if (tracing) {
  require(require.resolve(tracing, { paths: [require.resolve(sdk)] })); // it adds startTransaction
}

// 4.0 has no flush, and that of 4.6 and 5.0 does not wait for events that are still prepared. Their programs end by
// themselves. The flush of 6 rejects if an event was refused.
const flushes = Sentry.flush && !["4.6.6", "5.0.0"].includes(Sentry.SDK_VERSION);
const flush = async () => (flushes ? Sentry.flush(10_000).catch(() => false) : true);

async function main() {
  Sentry.init({ dsn, environment: "production", release: "1.0", tracesSampleRate: 1, autoSessionTracking: false });
  for (let number = 0; number < Number(messages); number++) {
    Sentry.captureMessage(`message ${number}`);
  }
  try {
    null.there;
  } catch (error) {
    Sentry.captureException(error);
  }
  Sentry.withScope((scope) => {
    for (let number = 0; number < 400; number++) {
      scope.setExtra(`line ${number}`, "x".repeat(200));
    }
    Sentry.captureMessage("a long one");
  });
  const hub = Sentry.getCurrentHub();
  if (tracing) {
    hub.startTransaction({ name: "work", op: "task" }).finish();
  }
  if (hub.startSession) {
    hub.startSession();
    hub.endSession();
  }
  const sent = await flush();
  Sentry.captureMessage("one too many"); // the answer tells the SDK to wait
  await flush();
  for (let number = 0; number < Number(later); number++) {
    Sentry.captureMessage(`later ${number}`);
  }
  await flush();
  if (flushes) {
    process.exit(sent ? 0 : 1); // a timer of flush would keep the process for its 10 seconds
  }
}

main();
