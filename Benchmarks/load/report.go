// Report: distributions of what a loop saw.
package main

import (
	"sort"
	"sync"
	"time"
)

// Report is one loop's outcome; times in microseconds.
type Report struct {
	Requests   int                `json:"requests"`
	Errors     int                `json:"errors"`
	FirstError string             `json:"first_error"`
	BodyBytes  int                `json:"body_bytes"`
	Seconds    float64            `json:"seconds"`
	Events     int                `json:"events"`
	Total      map[string]float64 `json:"total_us"`
	FirstByte  map[string]float64 `json:"first_byte_us"`
	Event      map[string]float64 `json:"event_us"`

	lock                     sync.Mutex
	totals, firsts, eventful []time.Duration
}

func newReport(bodyBytes int) *Report { return &Report{BodyBytes: bodyBytes} }

func (r *Report) fail(err error) { r.add(Exchange{}, err) }

func (r *Report) add(exchange Exchange, err error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if err != nil {
		r.Errors++
		if r.FirstError == "" {
			r.FirstError = err.Error()
		}
		return
	}
	r.Requests++
	r.Events += len(exchange.EventDelays)
	r.totals = append(r.totals, exchange.Total)
	r.firsts = append(r.firsts, exchange.FirstByte)
	r.eventful = append(r.eventful, exchange.EventDelays...)
}

func (r *Report) finished() *Report {
	r.Total = distribution(r.totals)
	r.FirstByte = distribution(r.firsts)
	r.Event = distribution(r.eventful)
	return r
}

func distribution(values []time.Duration) map[string]float64 {
	if len(values) == 0 {
		return nil
	}
	sort.Slice(values, func(a, b int) bool { return values[a] < values[b] })
	at := func(share float64) float64 {
		return float64(values[int(share*float64(len(values)-1)+0.5)].Nanoseconds()) / 1000
	}
	return map[string]float64{"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1)}
}
