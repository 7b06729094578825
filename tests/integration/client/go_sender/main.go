// Drives clients/go for the tests: reads one JSON command a line, writes one JSON answer a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"shopalytic"
)

type lost struct {
	IDs    []string `json:"ids"`
	Reason string   `json:"reason"`
}

type told struct {
	mutex   sync.Mutex
	Refused []shopalytic.Verdict `json:"refused"`
	Lost    []lost               `json:"lost"`
	Log     []string             `json:"log"`
	Stats   map[string]any       `json:"stats"`
}

func (t *told) Write(line []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.Log = append(t.Log, string(line))
	return len(line), nil
}

func ids(events []shopalytic.Event) []string {
	found := []string{}
	for _, event := range events {
		found = append(found, event.EventID)
	}
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func milliseconds(value json.RawMessage, otherwise time.Duration) time.Duration {
	if value == nil {
		return otherwise
	}
	var count float64
	must(json.Unmarshal(value, &count))
	return time.Duration(count * float64(time.Millisecond))
}

func main() {
	record := &told{}
	var given map[string]any
	must(json.Unmarshal([]byte(os.Args[1]), &given))
	number := func(name string) int {
		value, _ := given[name].(float64)
		return int(value)
	}
	text := func(name string) string {
		value, _ := given[name].(string)
		return value
	}
	isFaulty, _ := given["callbacksFail"].(bool)
	shop, err := shopalytic.New(shopalytic.Options{
		URL: text("url"), Key: text("key"), Source: text("source"),
		MaxQueue: number("maxQueue"), BatchSize: number("batchSize"),
		Linger:        time.Duration(number("lingerMs")) * time.Millisecond,
		Timeout:       time.Duration(number("timeoutMs")) * time.Millisecond,
		RetryDeadline: time.Duration(number("retryDeadlineMs")) * time.Millisecond,
		CloseTimeout:  time.Duration(number("closeTimeoutMs")) * time.Millisecond,
		Logger:        slog.New(slog.NewTextHandler(record, nil)),
		OnRefused: func(verdict shopalytic.Verdict, _ shopalytic.Event) {
			record.mutex.Lock()
			record.Refused = append(record.Refused, verdict)
			record.mutex.Unlock()
			if isFaulty {
				panic("as the test wants it")
			}
		},
		OnLost: func(events []shopalytic.Event, err error) {
			record.mutex.Lock()
			defer record.mutex.Unlock()
			record.Lost = append(record.Lost, lost{ids(events), err.Error()})
		},
	})
	must(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var command []json.RawMessage
		must(json.Unmarshal(lines.Bytes(), &command))
		answer, err := json.Marshal(play(shop, record, command))
		must(err)
		fmt.Println(string(answer))
	}
}

func play(shop *shopalytic.Client, record *told, command []json.RawMessage) any {
	var name string
	must(json.Unmarshal(command[0], &name))
	argument := func(index int) json.RawMessage {
		if index < len(command) {
			return command[index]
		}
		return nil
	}
	switch name {
	case "track":
		var kind string
		must(json.Unmarshal(argument(1), &kind))
		var who struct {
			Identity   string `json:"identity"`
			TrackingID string `json:"tracking_id"`
		}
		must(json.Unmarshal(argument(3), &who))
		return shop.Track(kind, argument(2), shopalytic.Envelope{Identity: who.Identity, TrackingID: who.TrackingID})
	case "send":
		var event shopalytic.Event
		if json.Unmarshal(argument(1), &event) != nil {
			return nil // Go's types do not let it be written
		}
		return shop.Send(event)
	case "flush":
		ctx, cancel := context.WithTimeout(context.Background(), milliseconds(argument(1), time.Hour))
		defer cancel()
		return shop.Flush(ctx) == nil
	case "close":
		ctx, cancel := context.WithTimeout(context.Background(), milliseconds(argument(1), time.Hour))
		defer cancel()
		left := shop.Close(ctx)
		return map[string]any{"delivered": left.Delivered, "undelivered": ids(left.Undelivered)}
	case "told":
		stats := shop.Stats()
		record.mutex.Lock()
		defer record.mutex.Unlock()
		record.Stats = map[string]any{
			"queued": stats.Queued, "accepted": stats.Accepted, "duplicate": stats.Duplicate,
			"conflict": stats.Conflict, "quarantined": stats.Quarantined, "rejected": stats.Rejected,
			"lost": stats.Lost, "retries": stats.Retries, "lastError": stats.LastError,
		}
		return map[string]any{
			"refused": orEmpty(record.Refused), "lost": orEmpty(record.Lost), "log": orEmpty(record.Log),
			"stats": record.Stats,
		}
	}
	panic("no command " + name)
}

func orEmpty[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}
