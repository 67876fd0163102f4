// Sends events (one of more than 32 KiB) with raven, the SDK before @sentry/node, and prints how many were taken.
// Arguments: the DSN and the number of messages.
const Raven = require("raven");

const [dsn, messages] = process.argv.slice(2);
Raven.config(dsn, { environment: "production", release: "1.0" });

const sent = (capture) => new Promise((resolve) => capture((error) => resolve(error ? 0 : 1)));
const all = Array.from({ length: Number(messages) }, (_, number) =>
  sent((done) => Raven.captureMessage(`message ${number}`, done)),
);
all.push(sent((done) => Raven.captureException(new Error("it broke"), done)));
const lines = Array.from({ length: 400 }, (_, number) => [`line ${number}`, "x".repeat(200)]);
all.push(sent((done) => Raven.captureMessage("a long one", { extra: Object.fromEntries(lines) }, done)));
Promise.all(all).then((taken) => console.log(taken.reduce((sum, one) => sum + one)));
