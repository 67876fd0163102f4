// Logs errors with winston or pino, which hand them to @sentry/node. Arguments: a bridge, the DSN, the number of errors.
const [bridge, dsn, messages] = process.argv.slice(2);
const pino = require("pino");
const winston = require("winston");

const options = { dsn, environment: "production", release: "1.0" };

// Each returns a logger, and what waits until everything is sent.
const BRIDGES = {
  // The SDK's own bridges send each line as a log. That of pino sends errors as events, too, if it is asked to.
  winston(Sentry = require("@sentry/node")) {
    Sentry.init({ ...options, enableLogs: true });
    const Transport = Sentry.createSentryWinstonTransport(require("winston-transport"));
    return [winston.createLogger({ transports: [new Transport()] }), () => Sentry.flush(10_000)];
  },
  pino(Sentry = require("@sentry/node")) {
    const bridge = Sentry.pinoIntegration({ error: { levels: ["error"] } });
    const others = (defaults) => defaults.filter((one) => one.name !== "ProcessSession"); // it would send a session
    Sentry.init({ ...options, enableLogs: true, integrations: (defaults) => [...others(defaults), bridge] });
    return [pino(), () => Sentry.flush(10_000)];
  },
  // A package of others, which sends events.
  "winston-transport-sentry-node"() {
    const Transport = require("winston-transport-sentry-node").default;
    const transport = new Transport({ sentry: { ...options, integrations: [] }, level: "error" });
    return [winston.createLogger({ transports: [transport] }), () => transport.sentry.flush(10_000)];
  },
};

const [logger, flush] = BRIDGES[bridge]();
for (let number = 0; number < Number(messages); number++) {
  logger.error(`error ${number}`);
}
// winston hands lines to its transports later.
setImmediate(() => flush().then((sent) => process.exit(sent ? 0 : 1)));
