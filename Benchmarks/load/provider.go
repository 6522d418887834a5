// Provider: answers chat completions and Anthropic Messages at once, or streams events at a set pace. One write, and with TLS one record,
// per event.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

func serve(address, certificate, privateKey string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fail(err.Error())
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	var config *tls.Config
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, privateKey)
		if err != nil {
			fail(err.Error())
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail(err.Error())
		}
		if config != nil {
			connection = tls.Server(connection, config)
		}
		go answerAll(connection)
	}
}

// answerAll serves one connection until its peer leaves.
func answerAll(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 8<<10)
	var body []byte
	for {
		length, speaksMessages, err := readRequestHead(reader)
		if err != nil {
			return
		}
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(reader, body); err != nil {
			return
		}
		if err := answer(connection, body, speaksMessages); err != nil {
			return
		}
		if len(body) > 64<<10 {
			body = nil
		}
	}
}

// readRequestHead gives the body's length, and whether the path is that of Anthropic Messages.
func readRequestHead(reader *bufio.Reader) (length int, speaksMessages bool, err error) {
	isFirst := true
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		if len(line) <= 2 {
			return length, speaksMessages, nil
		}
		if isFirst {
			speaksMessages = bytes.Contains(line, []byte("/messages "))
			isFirst = false
		}
		if len(line) > 16 && strings.EqualFold(string(line[:15]), "content-length:") {
			length, err = strconv.Atoi(strings.TrimSpace(string(line[15:])))
			if err != nil {
				return 0, false, err
			}
		}
	}
}

func answer(connection net.Conn, body []byte, speaksMessages bool) error {
	start := time.Now()
	chunks, gap := wish(body)
	document, contentEvent := document, contentEvent
	if speaksMessages {
		document, contentEvent = messagesDocument, messagesContentEvent
	}
	if chunks == 0 {
		_, err := fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_bench\r\n"+
			"Content-Length: %d\r\n\r\n%s", len(document), document)
		return err
	}
	withUsage := bytes.Contains(body, []byte(`"include_usage":true`)) || bytes.Contains(body, []byte(`"include_usage": true`))
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nx-request-id: req_bench\r\nTransfer-Encoding: chunked\r\n\r\n"
	if _, err := io.WriteString(connection, head); err != nil {
		return err
	}
	var event, framed []byte
	if speaksMessages {
		if _, err := connection.Write(appendChunk(nil, []byte(messagesStartEvents))); err != nil {
			return err
		}
	}
	for i := 0; i < chunks; i++ {
		// A fixed schedule: a late wake-up does not shift the events behind it.
		if wait := time.Until(start.Add(time.Duration(i+1) * gap)); gap > 0 && wait > 0 {
			time.Sleep(wait)
		}
		event = contentEvent(event[:0], time.Now().UnixNano())
		framed = appendChunk(framed[:0], event)
		if _, err := connection.Write(framed); err != nil {
			return err
		}
	}
	tail := tailEvents(withUsage)
	if speaksMessages {
		tail = []byte(messagesTailEvents)
	}
	framed = appendChunk(framed[:0], tail)
	framed = append(framed, "0\r\n\r\n"...)
	_, err := connection.Write(framed)
	return err
}

// wish reads what the first message asks for.
func wish(body []byte) (chunks int, gap time.Duration) {
	mark := []byte("[[chunks=")
	at := bytes.Index(body, mark)
	if at < 0 {
		return
	}
	var microseconds int
	end := bytes.Index(body[at:], []byte("]]"))
	if end < 0 {
		return
	}
	_, _ = fmt.Sscanf(string(body[at:at+end]), "[[chunks=%d gap=%d", &chunks, &microseconds)
	return chunks, time.Duration(microseconds) * time.Microsecond
}

func appendChunk(out, payload []byte) []byte {
	out = strconv.AppendInt(out, int64(len(payload)), 16)
	out = append(out, "\r\n"...)
	out = append(out, payload...)
	return append(out, "\r\n"...)
}
