// Client: one keep-alive connection that sends a prepared request, times what comes back and keeps it for checking.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Client is one connection to a target.
type Client struct {
	connection net.Conn
	buffer     []byte
	reads      []read
}

// read notes when the bytes up to `end` of the answer had come.
type read struct {
	end  int
	when int64
}

// Exchange is one request's outcome.
type Exchange struct {
	Total, FirstByte time.Duration
	// EventDelays runs from the provider's send to the client's read, one for each event.
	EventDelays []time.Duration
}

// requestBytes is a whole request as an agent would send it.
func requestBytes(url, key string, body []byte, session string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nAccept: */*\r\nUser-Agent: opencode/1.14.0\r\nx-session-affinity: %s\r\nX-Session-Id: %s\r\n"+
		"x-weir-repo: github.com/acme/shop\r\nContent-Length: %d\r\n\r\n", hostOf(url), key, session, session, len(body))
	out.Write(body)
	return out.Bytes()
}

func hostOf(url string) string {
	return strings.TrimPrefix(url, "http://")
}

func dial(url string) (*Client, error) {
	connection, err := net.DialTimeout("tcp", hostOf(url), 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &Client{connection: connection, buffer: make([]byte, 0, 4096)}, nil
}

func (c *Client) close() { c.connection.Close() }

// exchange sends the request and reads its answer; `check` judges the payload.
func (c *Client) exchange(request []byte, check func([]byte) error) (Exchange, error) {
	var result Exchange
	c.buffer = c.buffer[:0]
	c.reads = c.reads[:0]
	_ = c.connection.SetDeadline(time.Now().Add(120 * time.Second))
	start := time.Now()
	if _, err := c.connection.Write(request); err != nil {
		return result, err
	}
	var head *answerHead
	for {
		if cap(c.buffer)-len(c.buffer) < 4096 {
			grown := make([]byte, len(c.buffer), 2*cap(c.buffer)+8192)
			copy(grown, c.buffer)
			c.buffer = grown
		}
		count, err := c.connection.Read(c.buffer[len(c.buffer):cap(c.buffer)])
		now := time.Now()
		if err != nil {
			return result, fmt.Errorf("after %d bytes: %w", len(c.buffer), err)
		}
		c.buffer = c.buffer[:len(c.buffer)+count]
		c.reads = append(c.reads, read{len(c.buffer), now.UnixNano()})
		if len(c.reads) == 1 {
			result.FirstByte = now.Sub(start)
		}
		if head == nil {
			if head, err = parseHead(c.buffer); err != nil {
				return result, err
			}
		}
		if head != nil && head.isWhole(c.buffer) {
			result.Total = now.Sub(start)
			break
		}
	}
	result.EventDelays = c.delays()
	payload, err := head.payload(c.buffer)
	if err != nil {
		return result, err
	}
	if head.status != 200 {
		return result, fmt.Errorf("status %d: %.200s", head.status, payload)
	}
	_, _ = takeStamps(payload)
	return result, check(payload)
}

// delays matches each stamped event with the read that brought it, and zeroes the stamps.
func (c *Client) delays() []time.Duration {
	sent, ends := takeStamps(c.buffer)
	delays := make([]time.Duration, len(sent))
	at := 0
	for i, end := range ends {
		for c.reads[at].end < end {
			at++
		}
		delays[i] = time.Duration(c.reads[at].when - sent[i])
	}
	return delays
}

type answerHead struct {
	status, bodyStart, length int
	chunked                   bool
}

func parseHead(bytesSoFar []byte) (*answerHead, error) {
	end := bytes.Index(bytesSoFar, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil
	}
	lines := strings.Split(string(bytesSoFar[:end]), "\r\n")
	parts := strings.SplitN(lines[0], " ", 3)
	if len(parts) < 2 {
		return nil, errors.New("no status line")
	}
	status, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, err
	}
	head := &answerHead{status: status, bodyStart: end + 4}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "content-length":
			head.length, _ = strconv.Atoi(strings.TrimSpace(value))
		case "transfer-encoding":
			head.chunked = true
		}
	}
	return head, nil
}

// isWhole looks at the end alone: no event of ours can hold a last chunk.
func (h *answerHead) isWhole(all []byte) bool {
	if h.chunked {
		return len(all) >= h.bodyStart+5 && bytes.HasSuffix(all, []byte("0\r\n\r\n")) &&
			(len(all) == h.bodyStart+5 || all[len(all)-6] == '\n')
	}
	return len(all) >= h.bodyStart+h.length
}

func (h *answerHead) payload(all []byte) ([]byte, error) {
	rest := all[h.bodyStart:]
	if !h.chunked {
		if len(rest) != h.length {
			return nil, errors.New("bytes behind the body")
		}
		return rest, nil
	}
	var payload []byte
	for {
		line := bytes.Index(rest, []byte("\r\n"))
		if line < 0 {
			return nil, errors.New("broken chunk")
		}
		size, err := strconv.ParseInt(string(rest[:line]), 16, 64)
		if err != nil || len(rest) < line+2+int(size)+2 {
			return nil, errors.New("broken chunk")
		}
		if size == 0 {
			return payload, nil
		}
		payload = append(payload, rest[line+2:line+2+int(size)]...)
		rest = rest[line+2+int(size)+2:]
	}
}

// checker gives the judgement of a payload whose stamps are zeroed.
func checker(o Options) func([]byte) error {
	expected := []byte(document)
	if o.Chunks > 0 {
		expected = wholeStream(o.Chunks, o.Usage)
	}
	if o.Verify == "bytes" {
		return func(payload []byte) error {
			if !bytes.Equal(payload, expected) {
				return fmt.Errorf("wrong bytes: %d instead of %d", len(payload), len(expected))
			}
			return nil
		}
	}
	return func(payload []byte) error {
		if o.Chunks == 0 && !bytes.Contains(payload, []byte("total_tokens")) {
			return errors.New("no usage in the answer")
		}
		if count := bytes.Count(payload, []byte(stampMark)); count != o.Chunks {
			return fmt.Errorf("%d events instead of %d", count, o.Chunks)
		}
		return nil
	}
}
