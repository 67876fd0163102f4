// Sends events, a transaction and a session with @sentry/browser, which begins a session with each page.
const query = new URLSearchParams(location.search);
const sdk = query.get("sdk");
const Sentry = sdk.endsWith(".js") ? await loadScript(sdk) : await import(sdk);

// The modules of 5 are for bundlers alone, so it is loaded as a script.
async function loadScript(src) {
  const script = Object.assign(document.createElement("script"), { src });
  const loaded = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
  document.head.append(script);
  await loaded;
  return window.Sentry;
}

Sentry.init({
  dsn: query.get("dsn"),
  tunnel: query.get("tunnel") ?? undefined,
  environment: "production",
  release: "1.0",
  traceLifecycle: "static", // otherwise the spans of a transaction are sent one by one
  tracesSampleRate: 1,
  autoSessionTracking: true, // 5 begins none by itself
});
for (let number = 0; number < Number(query.get("messages")); number++) {
  Sentry.captureMessage(`message ${number}`);
}
Sentry.captureException(new Error("it broke"));
Sentry.startSpan?.({ name: "work", op: "task" }, () => {});
const sent = await Sentry.flush(10_000);
Sentry.captureMessage("one too many"); // the answer tells the SDK to wait
await Sentry.flush(10_000);
for (let number = 0; number < Number(query.get("later")); number++) {
  Sentry.captureMessage(`later ${number}`);
}
await Sentry.flush(10_000);
// As if the user left the page: the SDK then sends its client report.
Object.defineProperty(document, "visibilityState", { value: "hidden" });
document.dispatchEvent(new Event("visibilitychange"));
await Sentry.flush(10_000);
await fetch("/done", { method: "POST", body: JSON.stringify({ sent }) });
