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

# One message is accepted, one is refused, so many are kept back, and a last one is accepted after the time that the
# service gave.
def run_into_the_limit(messages)
  window = 8
  sleep(window - Time.now.to_f % window) # so that the refusal is for more than a moment
  Sentry.capture_message("accepted")
  Sentry.capture_message("refused")
  messages.times { |number| Sentry.capture_message("kept back #{number}") }
  sleep(window)
  # It reports every 30 seconds, along with an event: that time is over.
  transport = Sentry.get_current_client.transport
  transport.instance_variable_set(:@last_client_report_sent, Time.now - Sentry::Transport::CLIENT_REPORT_INTERVAL - 1)
  Sentry.capture_message("accepted again")
end

what, dsn, number = ARGV
Sentry.init do |config|
  config.dsn = dsn
  config.environment = "production"
  config.release = "1.0"
  config.traces_sample_rate = 1.0
  config.background_worker_threads = 0 # each is sent before the next one
  config.transport.timeout = config.transport.open_timeout = 20 # a busy machine may need more than the usual 2 and 1
  config.logger = Logger.new($stderr)
end
send(what, Integer(number))
