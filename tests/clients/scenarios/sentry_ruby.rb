# Sends with sentry-ruby. Arguments: what to do, the DSN, the number of messages.
require "sentry-ruby"

def send_all(messages)
  messages.times { |number| Sentry.capture_message("message #{number}") }
  begin
    raise "it broke"
  rescue => error
    Sentry.capture_exception(error)
  end
  # More than 30 KiB, from which on it compresses.
  Sentry.capture_message("a long one", extra: (1..400).to_h { |number| ["line #{number}", "x" * 200] })
  Sentry.start_transaction(name: "work", op: "task").finish
end

what, dsn, number = ARGV
Sentry.init do |config|
  config.dsn = dsn
  config.environment = "production"
  config.release = "1.0"
  config.traces_sample_rate = 1.0
  config.background_worker_threads = 0 # each is sent before the next one
  config.logger = Logger.new($stderr)
end
send(what, Integer(number))
