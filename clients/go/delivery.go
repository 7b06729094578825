package shopalytic

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	quietFor     = time.Minute
	longestReply = 8 << 20
)

// delivery says which of this sender's events a request carries, so that the service can tell what never arrived.
type delivery struct {
	Instance      string  `json:"instance"`
	Source        string  `json:"source,omitempty"`
	FirstSequence int64   `json:"first_sequence"`
	Count         int     `json:"count"`
	Dropped       dropped `json:"dropped"`
}

// dropped counts the events that were given up since the client began.
type dropped struct {
	QueueFull int64 `json:"queue_full"`
	Expired   int64 `json:"expired"`
	Refused   int64 `json:"refused"`
	TooLarge  int64 `json:"too_large"`
}

// attempt is the outcome of one request: verdicts, or why there are none.
type attempt struct {
	verdicts []Verdict
	status   int // 0: no answer
	after    time.Duration
	cause    string
}

func (a attempt) isWorthRepeating() bool {
	switch a.status {
	case 0, 408, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

// deliver sends a batch until it has its verdicts, or cannot have any.
func (c *Client) deliver(batch []entry) {
	expires := batch[len(batch)-1].queuedAt.Add(c.options.RetryDeadline)
	for number := 0; ; number++ {
		made := c.attempt(batch)
		if c.stop.Err() != nil {
			return // Close has given the events back
		}
		if made.verdicts != nil {
			c.answered(batch, made.verdicts)
			return
		}
		c.mutex.Lock()
		c.stats.LastError = made.cause
		c.mutex.Unlock()
		if made.status == http.StatusRequestEntityTooLarge && len(batch) > 1 {
			half := (len(batch) + 1) / 2
			c.deliver(batch[:half])
			c.deliver(batch[half:])
			return
		}
		pause := made.after
		if pause == 0 {
			most := math.Min(float64(longestPause), float64(firstPause)*math.Pow(2, float64(number)))
			pause = time.Duration(rand.Float64() * most)
		}
		if !made.isWorthRepeating() || time.Now().Add(pause).After(expires) {
			c.giveUp(batch, made)
			return
		}
		c.quiet.failing(made.cause)
		c.mutex.Lock()
		c.stats.Retries++
		c.mutex.Unlock()
		if !c.sleep(pause) {
			return
		}
	}
}

func (c *Client) giveUp(batch []entry, made attempt) {
	reason, counter := ErrRefused, &c.dropped.Refused
	switch {
	case made.isWorthRepeating():
		reason, counter = ErrExpired, &c.dropped.Expired
	case made.status == http.StatusRequestEntityTooLarge:
		reason, counter = ErrTooLarge, &c.dropped.TooLarge
	}
	c.mutex.Lock()
	if c.isAbandoned {
		c.mutex.Unlock()
		return
	}
	*counter += int64(len(batch))
	c.mutex.Unlock()
	c.lose(events(batch), fmt.Errorf("%w: %s", reason, made.cause))
	c.settle(batch)
}

func (c *Client) sleep(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stop.Done():
		return false
	}
}

func (c *Client) attempt(batch []entry) attempt {
	ctx, cancel := context.WithTimeout(c.stop, c.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(c.body(batch)))
	if err != nil {
		return attempt{status: http.StatusBadRequest, cause: err.Error()}
	}
	request.Header.Set("Authorization", "Bearer "+c.options.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.options.HTTP.Do(request)
	if err != nil {
		return attempt{cause: causeOf(err, c.address)}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestReply))
	if err != nil {
		return attempt{cause: causeOf(err, c.address)}
	}
	var answer struct {
		Results []Verdict
		Error   struct{ Message string }
	}
	isJSON := json.Unmarshal(text, &answer) == nil
	if response.StatusCode == http.StatusOK {
		if isJSON && len(answer.Results) == len(batch) {
			return attempt{verdicts: answer.Results}
		}
		return attempt{status: http.StatusBadRequest, cause: c.address + " is not a Shopalytic gateway"}
	}
	seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
	return attempt{
		status: response.StatusCode,
		after:  time.Duration(max(0, min(seconds, 86_400)) * float64(time.Second)),
		cause:  first(answer.Error.Message, fmt.Sprintf("%s answers %d", c.address, response.StatusCode)),
	}
}

// body is the request for a batch. What it says of the sending is made anew at each attempt; the events are not.
func (c *Client) body(batch []entry) []byte {
	c.mutex.Lock()
	told := delivery{c.instance, c.options.Source, batch[0].number, len(batch), c.dropped}
	c.mutex.Unlock()
	numbers, _ := json.Marshal([]delivery{told}) // texts and numbers only
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"cookie":false,"sent_at":%q,"deliveries":%s,"events":[`,
		time.Now().UTC().Format(time.RFC3339Nano), numbers)
	for index := range batch {
		if index > 0 {
			body.WriteByte(',')
		}
		body.Write(batch[index].text)
	}
	body.WriteString("]}")
	return body.Bytes()
}

// causeOf says in words why there was no answer: what is likely wrong, and what to change.
func causeOf(err error, address string) string {
	var unknown x509.UnknownAuthorityError
	var otherName x509.HostnameError
	var noTLS tls.RecordHeaderError
	var noHost *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens at %s; start the gateway, or correct the address", address)
	case errors.As(err, &noHost):
		return "there is no host of the name in " + address
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate of %s is signed by nobody who is trusted here", address)
	case errors.As(err, &otherName):
		return fmt.Sprintf("the certificate of %s is for another name", address)
	case errors.As(err, &noTLS), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; begin the URL with http://", address)
	case errors.Is(err, context.DeadlineExceeded):
		return address + " did not answer in time"
	}
	return fmt.Sprintf("%s could not be reached (%v)", address, errors.Unwrap(err))
}

// quietLog tells of what no callback takes, with no personal data: a line a minute, and one at the recovery.
type quietLog struct {
	logger *slog.Logger

	mutex     sync.Mutex
	isFailing bool
	next      time.Time
}

func (q *quietLog) failing(cause string) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.isFailing && time.Now().Before(q.next) {
		return
	}
	q.isFailing, q.next = true, time.Now().Add(quietFor)
	q.logger.Warn("shopalytic: events wait and are sent again: " + cause)
}

func (q *quietLog) worksAgain() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.isFailing {
		q.isFailing = false
		q.logger.Warn("shopalytic: events are delivered again.")
	}
}

func (q *quietLog) refused(verdict Verdict) {
	rules := make([]string, 0, len(verdict.Violations))
	for _, violation := range verdict.Violations {
		rules = append(rules, first(violation.Field, "event")+" "+violation.RuleID)
	}
	q.logger.Warn(fmt.Sprintf("shopalytic: event %s is %s: %s",
		verdict.EventID, verdict.Status, strings.Join(rules, ", ")))
}
