// Package shopalytic sends a shop's events from a Go backend: the call queues, delivery goes on in order beside it.
//
// It needs nothing but the standard library. Events are those of the catalogue, as the browser's tag and
// the Python client take them, and are sent to the gateway over HTTP.
package shopalytic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// Stats counts a client's events since it began.
type Stats struct {
	Queued, Accepted, Duplicate, Conflict, Quarantined, Rejected int64
	// Lost were not delivered.
	Lost, Retries int64
	// LastError is the cause of the last failure, in words.
	LastError string
}

// Left is what Close could and could not deliver.
type Left struct {
	Delivered int
	// Undelivered events have no verdict; those that were under way may be stored. Send of a new
	// client takes them again with the same ids.
	Undelivered []Event
}

// Client sends events. Its methods may be called by any number of goroutines.
type Client struct {
	options  Options
	address  string
	instance string

	mutex       sync.Mutex
	queue       queue
	stats       Stats
	dropped     dropped
	hurry       int64 // events up to this number do not linger
	isClosed    bool
	isAbandoned bool
	lostAtClose []Event
	changed     chan struct{} // closed at each outcome, and replaced

	wake    chan struct{}
	stop    context.Context
	endStop context.CancelFunc
	quiet   quietLog
}

// New makes a client. It fails only where the URL is none; without a key it says so once and sends nothing.
func New(options Options) (*Client, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	name := make([]byte, 8)
	if _, err := rand.Read(name); err != nil {
		return nil, err
	}
	client := &Client{
		options:  options,
		address:  options.URL + "/collect",
		instance: hex.EncodeToString(name),
		changed:  make(chan struct{}),
		wake:     make(chan struct{}, 1),
		quiet:    quietLog{logger: options.Logger},
	}
	client.stop, client.endStop = context.WithCancel(context.Background())
	if !options.Disabled {
		go client.run()
	}
	return client, nil
}

// Track queues an event and returns its id. It never waits: what cannot be taken goes to OnLost.
func (c *Client) Track(kind string, properties any, envelope Envelope) string {
	return c.Send(Event{
		Type: kind, Properties: properties, EventID: envelope.EventID, OccurredAt: envelope.OccurredAt,
		TrackingID: envelope.TrackingID, Identity: envelope.Identity, Source: envelope.Source,
		Sandbox: envelope.Sandbox, Context: envelope.Context,
	})
}

// Identify says that a device is used by a customer.
func (c *Client) Identify(identity string, envelope Envelope) string {
	if envelope.TrackingID == "" && envelope.Identity == "" {
		envelope.Identity = identity
	}
	return c.Track("identify", Properties{"identity": identity}, envelope)
}

// Alias gives a customer a further identity: the envelope says whose.
func (c *Client) Alias(identity string, envelope Envelope) string {
	return c.Track("alias", Properties{"identity": identity}, envelope)
}

// Send queues a whole event, such as one that OnLost or Close gave back.
func (c *Client) Send(event Event) string {
	if event.Source == "" {
		event.Source = c.options.Source
	}
	event.Sandbox = event.Sandbox || c.options.Sandbox
	text, err := event.written()
	switch {
	case c.options.Disabled:
	case err != nil:
		c.lose([]Event{event}, fmt.Errorf("%w: %w", ErrNotJSON, err))
	case event.TrackingID == "" && event.Identity == "":
		// The gateway would make a visitor of it, which is right for a browser only.
		c.refuse(Verdict{event.EventID, "REJECTED", []Violation{nobodys}}, event)
	default:
		c.enqueue(event, text)
	}
	return event.EventID
}

var nobodys = Violation{"tracking_id", "tracking_id.or_identity", "give a tracking_id, an identity, or both"}

func (c *Client) enqueue(event Event, text []byte) {
	c.mutex.Lock()
	if c.isClosed {
		c.mutex.Unlock()
		c.lose([]Event{event}, ErrClosed)
		return
	}
	pushedOut := c.queue.makeRoom(len(text), c.options.MaxQueue, c.options.MaxQueueBytes)
	c.dropped.QueueFull += int64(len(pushedOut))
	c.queue.add(event, text)
	c.stats.Queued++
	c.mutex.Unlock()
	if len(pushedOut) > 0 {
		c.lose(events(pushedOut), ErrQueueFull)
		c.tell()
	}
	c.signal()
}

// Flush waits until every event queued before has its outcome, without lingering, or until the context ends.
// Do not call it in a callback: it would wait for itself.
func (c *Client) Flush(ctx context.Context) error {
	c.mutex.Lock()
	through := c.queue.queued
	c.hurry = max(c.hurry, through)
	c.mutex.Unlock()
	return c.settled(ctx, through, 0)
}

// Close takes no more events, delivers what waits, and tells what was not delivered. It gives up when the
// context ends, or when nothing had an outcome for CloseTimeout.
func (c *Client) Close(ctx context.Context) Left {
	c.mutex.Lock()
	waited := int(c.queue.queued - c.queue.open() + 1)
	isFirst := !c.isClosed
	c.isClosed, c.hurry = true, c.queue.queued
	through := c.queue.queued
	c.mutex.Unlock()
	if !isFirst {
		return Left{}
	}
	if !c.options.Disabled {
		_ = c.settled(ctx, through, c.options.CloseTimeout)
	}
	c.mutex.Lock()
	c.isAbandoned = true
	left := events(c.queue.abandon())
	cause := c.stats.LastError
	c.mutex.Unlock()
	c.endStop()
	if len(left) > 0 {
		c.lose(left, fmt.Errorf("%w; %s", ErrClosed, first(cause, "there was no time left")))
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return Left{waited - len(c.lostAtClose), c.lostAtClose}
}

// Stats tells what became of the events so far.
func (c *Client) Stats() Stats {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.stats
}

// settled waits for the events up to a number; where `patience` is given, only while there are outcomes.
func (c *Client) settled(ctx context.Context, through int64, patience time.Duration) error {
	c.signal()
	var expired <-chan time.Time
	var timer *time.Timer
	if patience > 0 {
		timer = time.NewTimer(patience)
		defer timer.Stop()
		expired = timer.C
	}
	for {
		c.mutex.Lock()
		isSettled, changed := c.queue.open() > through, c.changed
		c.mutex.Unlock()
		if isSettled {
			return nil
		}
		select {
		case <-changed:
			if timer != nil {
				timer.Reset(patience)
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-expired:
			return context.DeadlineExceeded
		}
	}
}

func (c *Client) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// tell wakes those who wait for outcomes.
func (c *Client) tell() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// run delivers until the client is closed.
func (c *Client) run() {
	for {
		batch, wait := c.due()
		if len(batch) > 0 {
			c.deliver(batch)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-c.wake:
		case <-timer.C:
		case <-c.stop.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// due takes the next batch, or tells how long to wait for one.
func (c *Client) due() ([]entry, time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.queue.waiting) == 0 {
		return nil, time.Hour
	}
	oldest := c.queue.waiting[0]
	wait := c.options.Linger - time.Since(oldest.queuedAt)
	if wait <= 0 || len(c.queue.waiting) >= c.options.BatchSize || oldest.number <= c.hurry {
		return c.queue.take(c.options.BatchSize), 0
	}
	return nil, wait
}

// answered reports the verdicts on a batch, and only then counts it as settled.
func (c *Client) answered(batch []entry, verdicts []Verdict) {
	c.mutex.Lock()
	if c.isAbandoned {
		c.mutex.Unlock()
		return
	}
	for _, verdict := range verdicts {
		if counter := c.stats.of(verdict.Status); counter != nil {
			*counter++
		}
	}
	c.mutex.Unlock()
	c.quiet.worksAgain()
	for index, verdict := range verdicts {
		if verdict.Status != "ACCEPTED" && verdict.Status != "DUPLICATE" {
			c.refuse(verdict, batch[index].event)
		}
	}
	c.settle(batch)
}

func (c *Client) settle(batch []entry) {
	c.mutex.Lock()
	if !c.isAbandoned {
		c.queue.settle(len(batch))
	}
	c.mutex.Unlock()
	c.tell()
}

func (c *Client) refuse(verdict Verdict, event Event) {
	if c.options.OnRefused != nil {
		c.guard(func() { c.options.OnRefused(verdict, event) })
		return
	}
	c.quiet.refused(verdict)
}

func (c *Client) lose(events []Event, err error) {
	c.mutex.Lock()
	c.stats.Lost += int64(len(events))
	if c.isClosed && err != ErrClosed {
		c.lostAtClose = append(c.lostAtClose, events...)
	}
	c.mutex.Unlock()
	if c.options.OnLost != nil {
		c.guard(func() { c.options.OnLost(events, err) })
		return
	}
	c.options.Logger.Error(fmt.Sprintf("shopalytic: %d events were not delivered: %v", len(events), err))
}

// guard keeps delivery going when a callback panics.
func (c *Client) guard(callback func()) {
	defer func() {
		if fault := recover(); fault != nil {
			c.options.Logger.Error("shopalytic: a callback failed; delivery goes on.", "fault", fault)
		}
	}()
	callback()
}

func (s *Stats) of(status string) *int64 {
	switch status {
	case "ACCEPTED":
		return &s.Accepted
	case "DUPLICATE":
		return &s.Duplicate
	case "CONFLICT":
		return &s.Conflict
	case "QUARANTINED":
		return &s.Quarantined
	case "REJECTED":
		return &s.Rejected
	}
	return nil
}
