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

// Whether some bytes are the same, which are mostly few: a call would cost more than the comparison.
static inline int weir_is_same(const uint8_t *bytes, const uint8_t *others, size_t count) {
    if (count > 16) {
        return memcmp(bytes, others, count) == 0;
    }
    if (count >= 8) {
        uint64_t first, last, other_first, other_last;
        memcpy(&first, bytes, 8);
        memcpy(&last, bytes + count - 8, 8);
        memcpy(&other_first, others, 8);
        memcpy(&other_last, others + count - 8, 8);
        return ((first ^ other_first) | (last ^ other_last)) == 0;
    }
    if (count >= 4) {
        uint32_t first, last, other_first, other_last;
        memcpy(&first, bytes, 4);
        memcpy(&last, bytes + count - 4, 4);
        memcpy(&other_first, others, 4);
        memcpy(&other_last, others + count - 4, 4);
        return ((first ^ other_first) | (last ^ other_last)) == 0;
    }
    for (size_t index = 0; index < count; index++) {
        if (bytes[index] != others[index]) {
            return 0;
        }
    }
    return 1;
}

// Eight bytes where those of `name`, which is lower-case ASCII, may differ by their case: 0 where they are the same.
static inline uint64_t weir_case_difference(uint64_t bytes, uint64_t name) {
    const uint64_t ones = 0x0101010101010101;
    uint64_t letters = (name + ones * (0x80 - 'a')) & ~(name + ones * (0x80 - 'z' - 1)) & ones * 0x80;
    return (bytes ^ name) & ~(letters >> 2);
}

// Whether some bytes are a name in lower-case ASCII, whatever their case.
static inline int weir_is_same_ignoring_case(const uint8_t *bytes, const uint8_t *name, size_t count) {
    uint64_t word, name_word, difference = 0;
    if (count >= 8) {
        for (size_t index = 0; index + 8 < count; index += 8) {
            memcpy(&word, bytes + index, 8);
            memcpy(&name_word, name + index, 8);
            difference |= weir_case_difference(word, name_word);
        }
        memcpy(&word, bytes + count - 8, 8);
        memcpy(&name_word, name + count - 8, 8);
        return (difference | weir_case_difference(word, name_word)) == 0;
    }
    word = name_word = 0;
    for (size_t index = 0; index < count; index++) {
        word = word << 8 | bytes[index];
        name_word = name_word << 8 | name[index];
    }
    return weir_case_difference(word, name_word) == 0;
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

// Reads the element that begins at `index`, before its comma if there is one, as `weir_next_member` reads a member.
int weir_next_element(
    const void *text, size_t index, size_t count, int is_first, int depth_max, struct weir_member *element);

// Behind the byte that opens the text's one value, white space before it crossed; 0 when another byte stands there.
size_t weir_enter(const void *text, size_t count, uint8_t opening);

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
