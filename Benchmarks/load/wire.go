// Wire: the bytes of both sides, so that the load generator knows exactly what the provider sends.
package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Model is priced in Weir's catalogue.
const Model = "gpt-5.4-mini"

const stampMark = "[[sent="
const stampDigits = 19

// usageEvent ends a stream when the request asked for it.
const usageEvent = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"` + Model +
	`","choices":[],"usage":{"prompt_tokens":1200,"completion_tokens":400,"total_tokens":1600,` +
	`"prompt_tokens_details":{"cached_tokens":1024},"completion_tokens_details":{"reasoning_tokens":64}}}` + "\n\n"

const finishEvent = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"` + Model +
	`","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"

const doneEvent = "data: [DONE]\n\n"

// document is the answer to a request that is not a stream.
const document = `{"id":"chatcmpl-bench","object":"chat.completion","created":1760000000,"model":"` + Model + `","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"The function sorts its argument in place and returns nothing, which the caller ` +
	`does not expect. Return the sorted copy instead, and keep the original as it is."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":1200,"completion_tokens":400,"total_tokens":1600,"prompt_tokens_details":{"cached_tokens":1024},` +
	`"completion_tokens_details":{"reasoning_tokens":64}}}`

// contentEvent is one delta; it carries the moment at which it was sent.
func contentEvent(out []byte, sent int64) []byte {
	out = append(out, `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1760000000,"model":"`+Model+
		`","choices":[{"index":0,"delta":{"content":"`+stampMark...)
	digits := strconv.FormatInt(sent, 10)
	for i := len(digits); i < stampDigits; i++ {
		out = append(out, '0')
	}
	out = append(out, digits...)
	return append(out, `]] token"},"finish_reason":null}],"usage":null}`+"\n\n"...)
}

// tailEvents come after the last delta, in one chunk.
func tailEvents(withUsage bool) []byte {
	tail := []byte(finishEvent)
	if withUsage {
		tail = append(tail, usageEvent...)
	}
	return append(tail, doneEvent...)
}

// wholeStream is a stream's payload with every stamp zero.
func wholeStream(chunks int, withUsage bool) []byte {
	var all []byte
	for i := 0; i < chunks; i++ {
		all = contentEvent(all, 0)
	}
	return append(all, tailEvents(withUsage)...)
}

// requestBody is an agent-like chat request of `size` bytes: a fifth of it tool schemas, the rest turns whose tool results are code.
// What the provider shall do stands in the first message, where every gateway passes it on.
func requestBody(size, chunks int, gap time.Duration, withUsage bool) []byte {
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"model":"%s","messages":[{"role":"system","content":"[[chunks=%d gap=%d]] You are a coding agent."}`,
		Model, chunks, gap.Microseconds())
	end := `],"temperature":0,"max_tokens":1024,"stream":false}`
	if chunks > 0 {
		end = `],"temperature":0,"max_tokens":1024,"stream":true}`
		if withUsage {
			end = `],"temperature":0,"max_tokens":1024,"stream":true,"stream_options":{"include_usage":true}}`
		}
	}
	tools := toolSchemas(size / 5)
	turn := agentTurn()
	for body.Len()+len(turn)+len(tools)+len(end) <= size {
		body.WriteString(turn)
	}
	if left := size - body.Len() - len(tools) - len(end) - len(`,{"role":"user","content":""}`); left > 0 {
		fmt.Fprintf(&body, `,{"role":"user","content":"%s"}`, bytes.Repeat([]byte("x"), left))
	}
	body.WriteString(tools)
	body.WriteString(end)
	return body.Bytes()
}

// agentTurn is one round of a session: a question, a call, and a file of some 40 lines as its result.
func agentTurn() string {
	line := `        result = self.index.lookup(\"key\", default=None)  # see sort.py\n`
	return `,{"role":"user","content":"The test fails since the last change; read src/sort.py and say why.\nKeep it short."},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"read",` +
		`"arguments":"{\"path\":\"src/sort.py\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"` +
		strings.Repeat(line, 40) + `"}`
}

// toolSchemas is the rest of the messages' array and the tools, up to `size` bytes.
func toolSchemas(size int) string {
	tool := `{"type":"function","function":{"name":"read_file","description":"Reads a file of the workspace. The path is relative ` +
		`to its root.\nLines are numbered from 1; a range can be asked for.","parameters":{"type":"object","properties":{"path":` +
		`{"type":"string","description":"The file's path."},"from":{"type":"integer","minimum":1},"to":{"type":"integer"}},` +
		`"required":["path"],"additionalProperties":false}}}`
	tools := `],"tools":[` + tool
	for len(tools)+len(tool) < size {
		tools += "," + tool
	}
	return tools
}

// takeStamps zeroes the stamps and gives them with the offset behind each. A stamp that framing cuts in two is left out.
func takeStamps(payload []byte) (sent []int64, ends []int) {
	at := 0
	for {
		found := bytes.Index(payload[at:], []byte(stampMark))
		if found < 0 {
			return
		}
		start := at + found + len(stampMark)
		if start+stampDigits > len(payload) {
			return
		}
		value, err := strconv.ParseInt(string(payload[start:start+stampDigits]), 10, 64)
		at = start
		if err != nil {
			continue
		}
		for i := start; i < start+stampDigits; i++ {
			payload[i] = '0'
		}
		at = start + stampDigits
		sent = append(sent, value)
		ends = append(ends, at)
	}
}
