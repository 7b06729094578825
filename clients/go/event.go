package shopalytic

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// Properties are an event's, by the catalogue's names. Amounts may be text, numbers or json.Number.
type Properties map[string]any

// Event is one event in the form that the browser's tag and the Python client take, too.
type Event struct {
	Type string `json:"type"`
	// Properties: a Properties, or anything else that becomes a JSON object.
	Properties any `json:"properties"`
	// EventID is a UUID. Empty: a new one. Sending the same one again stores nothing twice.
	EventID string `json:"event_id"`
	// OccurredAt is when it happened. Zero: now.
	OccurredAt time.Time `json:"occurred_at"`
	// TrackingID is the browser or device, Identity the customer: give one or both.
	TrackingID string     `json:"tracking_id,omitempty"`
	Identity   string     `json:"identity,omitempty"`
	Source     string     `json:"source,omitempty"`
	Sandbox    bool       `json:"sandbox,omitempty"`
	Context    Properties `json:"context,omitempty"`
}

// Envelope is what Track takes beside an event's own properties. The fields are those of Event.
type Envelope struct {
	TrackingID string
	Identity   string
	EventID    string
	OccurredAt time.Time
	Source     string
	Sandbox    bool
	Context    Properties
}

// Violation is one reason why an event was not accepted.
type Violation struct {
	// Field is a path from the event on: "order.line_items[0].price". Empty: the event as a whole.
	Field   string `json:"field"`
	RuleID  string `json:"rule_id"`
	Message string `json:"message"`
}

// Verdict is what became of one event. Status is ACCEPTED, DUPLICATE, CONFLICT, QUARANTINED or REJECTED.
type Verdict struct {
	EventID    string      `json:"event_id"`
	Status     string      `json:"status"`
	Violations []Violation `json:"violations"`
}

// NewID is a new UUID of version 7 (RFC 9562): in order of time, which is stored fastest.
func NewID() string {
	var id [16]byte
	if _, err := rand.Read(id[6:]); err != nil {
		panic(err) // the operating system has no random numbers
	}
	milliseconds := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint16(id[:2], uint16(milliseconds>>32))
	binary.BigEndian.PutUint32(id[2:6], uint32(milliseconds))
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// written fills in what the event leaves out and gives its JSON. What the caller
// changes afterwards in its properties changes nothing of the event.
func (event *Event) written() ([]byte, error) {
	if event.EventID == "" {
		event.EventID = NewID()
	}
	if event.OccurredAt.IsZero() {
		event.OccurredAt = time.Now()
	}
	event.OccurredAt = event.OccurredAt.UTC()
	if event.Properties == nil {
		event.Properties = Properties{}
	}
	properties, err := json.Marshal(event.Properties)
	if err != nil {
		return nil, err
	}
	event.Properties = json.RawMessage(properties)
	return json.Marshal(event)
}

// UnmarshalJSON takes the properties as they stand, so that no number changes.
func (event *Event) UnmarshalJSON(text []byte) error {
	type plain Event
	given := struct {
		*plain
		Properties json.RawMessage `json:"properties"`
	}{plain: (*plain)(event)}
	if err := json.Unmarshal(text, &given); err != nil {
		return err
	}
	event.Properties = given.Properties
	return nil
}
