package shopalytic

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
)

// Options of a client. The zero value of each field stands for its default.
type Options struct {
	// URL is the gateway's address. Default: SHOPALYTIC_URL, else http://127.0.0.1:8080.
	URL string
	// Key is one of class server. Default: SHOPALYTIC_KEY.
	Key string
	// Source labels the events that have no label of their own.
	Source  string
	Sandbox bool
	// Disabled sends nothing; so does SHOPALYTIC_DISABLED=1.
	Disabled bool

	// MaxQueue events (10,000) of MaxQueueBytes (64 MiB) wait at most; past that the oldest are lost.
	MaxQueue      int
	MaxQueueBytes int
	// BatchSize is the most events of one request: 1,000, and no more.
	BatchSize int
	// Linger is how long an event may wait for others to go with it (50 ms).
	Linger time.Duration
	// Timeout is that of one request (15 s).
	Timeout time.Duration
	// RetryDeadline is how long an event is tried (5 min).
	RetryDeadline time.Duration
	// CloseTimeout ends Close when nothing was delivered for so long (5 s).
	CloseTimeout time.Duration

	// OnRefused gets the verdict on each event that is not stored as it is.
	OnRefused func(Verdict, Event)
	// OnLost gets the events that were not delivered; Send takes them again.
	OnLost func([]Event, error)
	// HTTP sends the requests. Default: a client of its own.
	HTTP *http.Client
	// Logger. Default: slog's.
	Logger *slog.Logger
}

// Why an event was not delivered: errors.Is finds them in what OnLost gets.
var (
	ErrQueueFull = errors.New("the queue is full")
	ErrExpired   = errors.New("it was not delivered in time")
	ErrRefused   = errors.New("the service does not take the request")
	ErrTooLarge  = errors.New("the service takes no event of that size")
	ErrClosed    = errors.New("the client is closed")
	ErrNotJSON   = errors.New("it cannot be written as JSON")
)

const (
	mostEvents = 1_000
	mostBytes  = 400_000 // the gateway takes 512,000 bytes
)

func (options Options) withDefaults() (Options, error) {
	options.URL = strings.TrimRight(first(options.URL, os.Getenv("SHOPALYTIC_URL"), "http://127.0.0.1:8080"), "/")
	if !strings.HasPrefix(options.URL, "http://") && !strings.HasPrefix(options.URL, "https://") {
		return options, fmt.Errorf("shopalytic: URL %q: begin it with http:// or https://", options.URL)
	}
	options.Key = first(options.Key, os.Getenv("SHOPALYTIC_KEY"))
	switch strings.ToLower(os.Getenv("SHOPALYTIC_DISABLED")) {
	case "1", "true", "yes", "on":
		options.Disabled = true
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Key == "" && !options.Disabled {
		options.Logger.Warn("shopalytic: no events are sent: there is no key. Give Key or set SHOPALYTIC_KEY.")
		options.Disabled = true
	}
	if options.HTTP == nil {
		options.HTTP = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	orElse(&options.MaxQueue, 10_000)
	orElse(&options.MaxQueueBytes, 64<<20)
	orElse(&options.BatchSize, mostEvents)
	options.BatchSize = min(options.BatchSize, mostEvents)
	orElse(&options.Linger, 50*time.Millisecond)
	orElse(&options.Timeout, 15*time.Second)
	orElse(&options.RetryDeadline, 5*time.Minute)
	orElse(&options.CloseTimeout, 5*time.Second)
	return options, nil
}

func first(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

func orElse[T int | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}
