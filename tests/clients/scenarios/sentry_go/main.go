// Sends with sentry-go, 0.11 or later. Arguments: what to do, the DSN, the number of messages.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"time"

	"github.com/getsentry/sentry-go"
)

func flush() {
	if !sentry.Flush(10 * time.Second) {
		panic("it did not send everything")
	}
}

func send(messages int) {
	for number := 0; number < messages; number++ {
		sentry.CaptureMessage(fmt.Sprintf("message %d", number))
	}
	sentry.CaptureException(errors.New("it broke"))
	func() {
		defer sentry.Recover()
		panic("it panicked")
	}()
	sentry.StartSpan(context.Background(), "task").Finish()
	flush()
}

// One message is accepted, one is refused, so many are kept back, and a last one is accepted after the time that the
// service gave.
func runIntoTheLimit(messages int) {
	window := 8 * time.Second
	time.Sleep(time.Until(time.Now().Truncate(window).Add(window))) // so that the refusal is for more than a moment
	sentry.CaptureMessage("accepted")
	flush()
	sentry.CaptureMessage("refused")
	flush()
	for number := 0; number < messages; number++ {
		sentry.CaptureMessage(fmt.Sprintf("kept back %d", number))
	}
	flush()
	time.Sleep(window)
	sentry.CaptureMessage("accepted again")
	flush()
}

func main() {
	options := sentry.ClientOptions{Dsn: os.Args[2], Environment: "production", Release: "1.0", TracesSampleRate: 1}
	// Later versions send no transactions without it, and the first ones do not have it.
	if field := reflect.ValueOf(&options).Elem().FieldByName("EnableTracing"); field.IsValid() {
		field.SetBool(true)
	}
	if err := sentry.Init(options); err != nil {
		panic(err)
	}
	messages, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	map[string]func(int){"send": send, "run_into_the_limit": runIntoTheLimit}[os.Args[1]](messages)
}
