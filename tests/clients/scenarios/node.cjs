// Sends events (one of more than 32 KiB), a transaction and a session with @sentry/node 8 and later.
// Arguments: the name of the package, the DSN, the number of messages, the number of messages after a refusal, and the
// URL of a tunnel if there is one.
const [sdk, dsn, messages, later, tunnel] = process.argv.slice(2);
const Sentry = require(sdk);

async function main() {
  Sentry.init({
    dsn,
    tunnel,
    environment: "production",
    release: "1.0",
    traceLifecycle: "static", // otherwise 11 sends the spans of a transaction one by one
    tracesSampleRate: 1,
    autoSessionTracking: false, // 8 would begin another session, and later ones with the integration
    integrations: (defaults) => defaults.filter((one) => one.name !== "ProcessSession"),
  });
  for (let number = 0; number < Number(messages); number++) {
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
  if (!(await Sentry.flush(10_000))) {
    process.exitCode = 1;
  }
  if (Number(later)) {
    Sentry.captureMessage("one too many"); // the answer tells the SDK to wait
    await Sentry.flush(10_000);
    for (let number = 0; number < Number(later); number++) {
      Sentry.captureMessage(`later ${number}`);
    }
    await Sentry.flush(10_000);
  }
  // No process.exit: the SDK sends its client report when nothing is left to do.
}

main();
