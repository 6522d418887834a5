// Loops: who sends when. A closed loop finds out what a request costs; an open loop what it adds to its time.
package main

import (
	"fmt"
	"sync"
	"time"
)

// closedLoop runs `Count` requests over `Concurrency` connections.
func closedLoop(o Options) *Report {
	body := requestBody(o.Body, o.Chunks, o.Gap, o.Usage)
	check := checker(o)
	report := newReport(len(body))
	var next sync.Mutex
	left := o.Count
	var workers sync.WaitGroup
	start := time.Now()
	for i := 0; i < o.Concurrency; i++ {
		workers.Add(1)
		go func(number int) {
			defer workers.Done()
			request := requestBytes(o.URL, o.Key, body, fmt.Sprintf("ses_bench%04d", number))
			client, err := dial(o.URL)
			if err != nil {
				report.fail(err)
				return
			}
			defer func() { client.close() }()
			for {
				next.Lock()
				mine := left > 0
				left--
				next.Unlock()
				if !mine {
					return
				}
				exchange, err := client.exchange(request, check)
				report.add(exchange, err)
				if err != nil {
					client.close()
					if client, err = dial(o.URL); err != nil {
						report.fail(err)
						return
					}
				}
			}
		}(i)
	}
	workers.Wait()
	report.Seconds = time.Since(start).Seconds()
	return report.finished()
}

// pairedLoops runs two open loops at the same rate, half a period apart: what the gateway adds is read from one run.
func pairedLoops(o Options) map[string]*Report {
	period := time.Duration(float64(time.Second) / o.Rate)
	reports := map[string]*Report{"direct": nil, "gateway": nil}
	var lock sync.Mutex
	var arms sync.WaitGroup
	start := time.Now().Add(50 * time.Millisecond)
	for name, url := range map[string]string{"direct": o.Direct, "gateway": o.URL} {
		arms.Add(1)
		offset := time.Duration(0)
		if name == "gateway" {
			offset = period / 2
		}
		go func(name, url string, start time.Time) {
			defer arms.Done()
			report := openLoop(o, url, start, period)
			lock.Lock()
			reports[name] = report
			lock.Unlock()
		}(name, url, start.Add(offset))
	}
	arms.Wait()
	return reports
}

func openLoop(o Options, url string, start time.Time, period time.Duration) *Report {
	body := requestBody(o.Body, o.Chunks, o.Gap, o.Usage)
	check := checker(o)
	request := requestBytes(url, o.Key, body, "ses_bench")
	report := newReport(len(body))
	idle := make(chan *Client, o.Count)
	var running sync.WaitGroup
	for i := 0; i < o.Count; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(i) * period)))
		running.Add(1)
		go func(isWarm bool) {
			defer running.Done()
			var client *Client
			select {
			case client = <-idle:
			default:
				var err error
				if client, err = dial(url); err != nil {
					report.fail(err)
					return
				}
			}
			exchange, err := client.exchange(request, check)
			if err != nil {
				client.close()
				report.fail(err)
				return
			}
			idle <- client
			// The first requests open connections on both sides of the gateway.
			if isWarm {
				report.add(exchange, nil)
			}
		}(i >= o.Count/10)
	}
	running.Wait()
	report.Seconds = time.Since(start).Seconds()
	close(idle)
	for client := range idle {
		client.close()
	}
	return report.finished()
}
