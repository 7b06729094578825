package shopalytic

import "time"

// entry is one event on its way.
type entry struct {
	// number is its place in the order of the calls.
	number   int64
	event    Event
	text     []byte
	queuedAt time.Time
}

// queue keeps each event from the call to its verdict. The client's mutex guards it.
//
// Waiting events have no gaps in their numbers: only the oldest are taken or dropped.
type queue struct {
	waiting  []entry
	bytes    int
	inFlight []entry
	queued   int64
}

func (q *queue) add(event Event, text []byte) {
	q.queued++
	q.bytes += len(text)
	q.waiting = append(q.waiting, entry{q.queued, event, text, time.Now()})
}

// makeRoom drops the oldest waiting events until one of that size fits; one alone always may wait.
func (q *queue) makeRoom(size, most, mostBytes int) []entry {
	count, bytes := 0, q.bytes
	for len(q.waiting) > count && (len(q.waiting)-count >= most || bytes+size > mostBytes) {
		bytes -= len(q.waiting[count].text)
		count++
	}
	dropped := q.waiting[:count:count]
	q.waiting, q.bytes = q.waiting[count:], bytes
	return dropped
}

// take puts the oldest waiting events in flight, as many as one request may carry.
func (q *queue) take(most int) []entry {
	count, bytes := 0, 0
	for count < len(q.waiting) && count < most {
		size := len(q.waiting[count].text) + 1
		if count > 0 && bytes+size > mostBytes {
			break
		}
		bytes += size
		count++
	}
	q.inFlight = q.waiting[:count:count]
	q.waiting, q.bytes = q.waiting[count:], q.bytes-bytes+count
	return q.inFlight
}

// settle forgets the first events in flight: their outcome was told.
func (q *queue) settle(count int) {
	q.inFlight = q.inFlight[count:]
}

// abandon gives up every event without an outcome, oldest first.
func (q *queue) abandon() []entry {
	left := append(append([]entry{}, q.inFlight...), q.waiting...)
	q.inFlight, q.waiting, q.bytes = nil, nil, 0
	return left
}

// open is the number of the oldest event without an outcome; one past the last where there is none.
func (q *queue) open() int64 {
	if len(q.inFlight) > 0 {
		return q.inFlight[0].number
	}
	if len(q.waiting) > 0 {
		return q.waiting[0].number
	}
	return q.queued + 1
}

func events(entries []entry) []Event {
	found := make([]Event, len(entries))
	for index := range entries {
		found[index] = entries[index].event
	}
	return found
}
