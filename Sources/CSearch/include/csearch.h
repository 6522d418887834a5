// What Swift cannot say, or not fast: memmem, a GNU extension that its Glibc module does not show; a look at 16 bytes at once; the
// CRC32C instruction; JSON's strings and numbers, which every record of a turn is made of.
#ifndef WEIR_CSEARCH_H
#define WEIR_CSEARCH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

const void *weir_memmem(const void *text, size_t text_count, const void *wanted, size_t wanted_count);

// The index of the first quote, backslash or control character at or after `start`; `count` when there is none.
size_t weir_plain_end(const void *text, size_t start, size_t count);

// Crosses a JSON string's bytes from `start`, its one-letter escapes too: the index of the first quote, control character or other
// backslash; `count` when there is none.
size_t weir_string_stop(const void *text, size_t start, size_t count);

// Writes the text as a JSON string with its quotes, and gives how many bytes that took: at most 6 * count + 2. `place` must have room
// for 16 bytes more. What a terminal would obey is escaped too.
size_t weir_json_text(uint8_t *place, const uint8_t *text, size_t count);

// Writes the number in decimal digits, and gives how many bytes that took: at most 20.
size_t weir_json_integer(uint8_t *place, int64_t number);

// Copies what is mostly a few bytes: a call would cost more than the copy.
static inline void weir_copy_short(uint8_t *place, const uint8_t *bytes, size_t count) {
    if (count > 16) {
        memcpy(place, bytes, count);
    } else if (count >= 8) {
        uint64_t first, last;
        memcpy(&first, bytes, 8);
        memcpy(&last, bytes + count - 8, 8);
        memcpy(place, &first, 8);
        memcpy(place + count - 8, &last, 8);
    } else if (count >= 4) {
        uint32_t first, last;
        memcpy(&first, bytes, 4);
        memcpy(&last, bytes + count - 4, 4);
        memcpy(place, &first, 4);
        memcpy(place + count - 4, &last, 4);
    } else {
        for (size_t index = 0; index < count; index++) {
            place[index] = bytes[index];
        }
    }
}

// Whether a backslash is among some bytes, which are mostly few.
static inline int weir_holds_backslash(const uint8_t *bytes, size_t count) {
    size_t index = 0;
    for (; index + 8 <= count; index += 8) {
        uint64_t word;
        memcpy(&word, bytes + index, 8);
        word ^= 0x5C5C5C5C5C5C5C5C;
        if (((word - 0x0101010101010101) & ~word & 0x8080808080808080) != 0) {
            return 1;
        }
    }
    for (; index < count; index++) {
        if (bytes[index] == '\\') {
            return 1;
        }
    }
    return 0;
}

// Crosses the object or array that begins at `start`, and gives the index behind it; 0 when it is not valid JSON, or is
// deeper than `depth_max` or 64 levels: then the caller looks for itself what is wrong.
size_t weir_skip_container(const void *text, size_t start, size_t count, int depth_max);

// One member of an object, by indices: its key between the quotes, and its value.
struct weir_member {
    size_t key_start, key_end, value_start, value_end;
    int key_holds_backslash;
};

// Reads the member that begins at `index`, before its comma if there is one. 1: it was read. 0: the object ends there, and `value_end`
// is behind it. -1: the caller looks for itself what is wrong. With `leaves_arrays`, an array is not crossed and its end is its start.
int weir_next_member(
    const void *text, size_t index, size_t count, int is_first, int depth_max, int leaves_arrays, struct weir_member *member);

// Behind the token's bytes (RFC 9110, section 5.6.2) that begin at `index`.
size_t weir_token_end(const uint8_t *bytes, size_t index, size_t end);

// Whether every byte is printable ASCII.
int weir_is_printable(const uint8_t *bytes, size_t count);

// The next quote at or after `from` whose following byte has its bit among the first letters (a bit for each, by its last six bits);
// `count` when there is none.
size_t weir_next_quoted(const uint8_t *bytes, size_t from, size_t count, uint64_t first_letters);

// The Castagnoli checksum (RFC 3720, appendix B.4) by the processor's own instruction; -1 where it has none.
int64_t weir_crc32c(const void *bytes, size_t count);

#endif
