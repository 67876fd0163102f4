# Sends with sentry-raven, the predecessor of sentry-ruby. Arguments: the DSN, the number of messages.
require "sentry_raven_without_integrations"

Raven.configure do |config|
  config.dsn = ARGV[0]
  config.current_environment = "production"
  config.release = "1.0"
  config.timeout = config.open_timeout = 20 # a busy machine may need more than the usual 2 and 1
  config.logger = Logger.new($stderr)
end
Integer(ARGV[1]).times { |number| Raven.capture_message("message #{number}") }
begin
  raise "it broke"
rescue => error
  Raven.capture_exception(error)
end
