// Churn: opens and closes connections, to see whether a server's memory comes back.
package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Churned says how the connections fared.
type Churned struct {
	Connections int64   `json:"connections"`
	Errors      int64   `json:"errors"`
	FirstError  string  `json:"first_error"`
	Seconds     float64 `json:"seconds"`
}

// churn opens `Count` connections, asks for /healthz on each, and closes.
func churn(o Options) *Churned {
	result := &Churned{}
	var lock sync.Mutex
	var workers sync.WaitGroup
	left := int64(o.Count)
	request := fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", hostOf(o.URL))
	start := time.Now()
	for i := 0; i < o.Concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			buffer := make([]byte, 4096)
			for {
				number := atomic.AddInt64(&left, -1)
				if number < 0 {
					return
				}
				err := openAndClose(hostOf(o.URL), request, buffer)
				atomic.AddInt64(&result.Connections, 1)
				if err != nil {
					atomic.AddInt64(&result.Errors, 1)
					lock.Lock()
					if result.FirstError == "" {
						result.FirstError = err.Error()
					}
					lock.Unlock()
				}
			}
		}()
	}
	workers.Wait()
	result.Seconds = time.Since(start).Seconds()
	return result
}

func openAndClose(address, request string, buffer []byte) error {
	connection, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return err
	}
	// No lingering: a hundred thousand ports in TIME_WAIT are more than there are. The server sees a reset instead of an end.
	_ = connection.(*net.TCPConn).SetLinger(0)
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(connection, request); err != nil {
		return err
	}
	count, err := connection.Read(buffer)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(buffer[:count]), "HTTP/1.1 200") {
		return fmt.Errorf("unexpected answer: %.60q", buffer[:count])
	}
	return nil
}
