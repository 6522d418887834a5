// Messages: what the provider says in Anthropic's dialect, where a gateway translates for a client of chat completions. The stamped
// text of each event is the same as in wire.go.
package main

import "strconv"

// messagesDocument is the answer to a request that is not a stream.
const messagesDocument = `{"id":"msg_bench","type":"message","role":"assistant","model":"` + Model + `","content":[{"type":"text","text":` +
	`"The function sorts its argument in place and returns nothing, which the caller does not expect. Return the sorted copy ` +
	`instead, and keep the original as it is."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":176,` +
	`"cache_read_input_tokens":1024,"cache_creation_input_tokens":0,"output_tokens":400}}`

const messagesStartEvents = "event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_bench","type":"message",` +
	`"role":"assistant","model":"` + Model + `","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":176,` +
	`"cache_read_input_tokens":1024,"cache_creation_input_tokens":0,"output_tokens":1}}}` + "\n\n" +
	"event: content_block_start\n" +
	`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"

const messagesTailEvents = "event: content_block_stop\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n" +
	"event: message_delta\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` +
	`"usage":{"output_tokens":400}}` + "\n\n" + "event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n"

// messagesContentEvent is one delta; it carries the moment at which it was sent.
func messagesContentEvent(out []byte, sent int64) []byte {
	out = append(out, "event: content_block_delta\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+
		stampMark...)
	digits := strconv.FormatInt(sent, 10)
	for i := len(digits); i < stampDigits; i++ {
		out = append(out, '0')
	}
	out = append(out, digits...)
	return append(out, `]] token"}}`+"\n\n"...)
}
