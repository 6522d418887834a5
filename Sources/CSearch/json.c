// JSON crossed without looking at it twice, and JSON's strings and numbers written. What is wrong with a text, the caller says.
#include "bits.h"
#include "csearch.h"

static inline int is_space(unsigned char byte) {
    // Machines write none: one comparison tells.
    return byte <= ' ' && (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t');
}

static inline size_t cross_space(const unsigned char *bytes, size_t index, size_t count) {
    while (index < count && is_space(bytes[index])) {
        index++;
    }
    return index;
}

static inline int is_digit(unsigned char byte) { return byte >= '0' && byte <= '9'; }

static inline int is_hex_digit(unsigned char byte) { return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'); }

// The closing quote of a string of less than 32 bytes without an escape; 0 when it is longer, or not so plain, or too near the end.
static inline size_t short_string_end(const unsigned char *bytes, size_t index, size_t count) {
#if defined(__x86_64__)
    if (index + 32 <= count) {
        uint32_t bits = special_bits(bytes + index);
        if (bits == 0) {
            index += 16;
            bits = special_bits(bytes + index);
        }
        if (bits != 0) {
            size_t place = index + (size_t)__builtin_ctz(bits);
            return bytes[place] == '"' ? place : 0;
        }
    }
#endif
    return 0;
}

// Behind the string whose quote is at `index`; 0 when there is none.
static inline size_t cross_string(const unsigned char *bytes, size_t index, size_t count) {
    index++;
    size_t short_end = short_string_end(bytes, index, count);
    if (short_end > 0) {
        return short_end + 1;
    }
    for (;;) {
        index = weir_string_stop(bytes, index, count);
        if (index >= count) {
            return 0;
        }
        if (bytes[index] == '"') {
            return index + 1;
        }
        if (count - index < 6 || bytes[index] != '\\' || bytes[index + 1] != 'u') {
            return 0;
        }
        for (size_t digit = index + 2; digit < index + 6; digit++) {
            if (!is_hex_digit(bytes[digit])) {
                return 0;
            }
        }
        index += 6;
    }
}

// Behind the digits at `index`; 0 when there is none.
static inline size_t cross_digits(const unsigned char *bytes, size_t index, size_t count) {
    if (index >= count || !is_digit(bytes[index])) {
        return 0;
    }
    while (index < count && is_digit(bytes[index])) {
        index++;
    }
    return index;
}

// Behind the number at `index`; 0 when there is none.
static inline size_t cross_number(const unsigned char *bytes, size_t index, size_t count) {
    if (bytes[index] == '-') {
        index++;
    }
    if (index < count && bytes[index] == '0') {
        index++;
    } else if ((index = cross_digits(bytes, index, count)) == 0) {
        return 0;
    }
    if (index < count && bytes[index] == '.' && (index = cross_digits(bytes, index + 1, count)) == 0) {
        return 0;
    }
    if (index < count && (bytes[index] | 0x20) == 'e') {
        index++;
        if (index < count && (bytes[index] == '+' || bytes[index] == '-')) {
            index++;
        }
        return cross_digits(bytes, index, count);
    }
    return index;
}

// Behind the number, the literal or the string at `index`; 0 when there is none.
static inline size_t cross_scalar(const unsigned char *bytes, size_t index, size_t count) {
    switch (bytes[index]) {
    case '"': return cross_string(bytes, index, count);
    case 't': return count - index >= 4 && memcmp(bytes + index, "true", 4) == 0 ? index + 4 : 0;
    case 'f': return count - index >= 5 && memcmp(bytes + index, "false", 5) == 0 ? index + 5 : 0;
    case 'n': return count - index >= 4 && memcmp(bytes + index, "null", 4) == 0 ? index + 4 : 0;
    default: return cross_number(bytes, index, count);
    }
}

size_t weir_skip_container(const void *text, size_t start, size_t count, int depth_max) {
    const unsigned char *bytes = text;
    // One bit a level says whether it is an object.
    uint64_t is_object = 0;
    int depth = 0;
    size_t index = start;
    if (depth_max > 64) {
        depth_max = 64;
    }
    for (;;) {
        // A value stands here.
        unsigned char byte = bytes[index];
        if (byte == '{' || byte == '[') {
            if (++depth > depth_max) {
                return 0;
            }
            is_object = is_object << 1 | (byte == '{');
            index = cross_space(bytes, index + 1, count);
            if (index >= count) {
                return 0;
            }
            if (bytes[index] != (byte == '{' ? '}' : ']')) {
                goto member;
            }
        } else {
            index = cross_scalar(bytes, index, count);
            if (index == 0) {
                return 0;
            }
            index = cross_space(bytes, index, count);
        }
        // Containers end here, or another value follows.
        for (;;) {
            if (index >= count) {
                return 0;
            }
            byte = bytes[index];
            if (byte == ',') {
                break;
            }
            if (byte != (is_object & 1 ? '}' : ']')) {
                return 0;
            }
            index++;
            is_object >>= 1;
            if (--depth == 0) {
                return index;
            }
            index = cross_space(bytes, index, count);
        }
        index = cross_space(bytes, index + 1, count);
        if (index >= count) {
            return 0;
        }
    member:
        if (is_object & 1) {
            if (bytes[index] != '"' || (index = cross_string(bytes, index, count)) == 0) {
                return 0;
            }
            index = cross_space(bytes, index, count);
            if (index >= count || bytes[index] != ':') {
                return 0;
            }
            index = cross_space(bytes, index + 1, count);
            if (index >= count) {
                return 0;
            }
        }
    }
}

int weir_next_member(
    const void *text, size_t index, size_t count, int is_first, int depth_max, int leaves_arrays, struct weir_member *member) {
    const unsigned char *bytes = text;
    index = cross_space(bytes, index, count);
    if (index >= count) {
        return -1;
    }
    if (bytes[index] == '}') {
        member->value_end = index + 1;
        return 0;
    }
    if (!is_first) {
        if (bytes[index] != ',') {
            return -1;
        }
        index = cross_space(bytes, index + 1, count);
    }
    if (index >= count || bytes[index] != '"') {
        return -1;
    }
    member->key_start = index + 1;
    member->key_holds_backslash = 0;
    size_t short_end = short_string_end(bytes, index + 1, count);
    if (short_end > 0) {
        index = short_end + 1;
        member->key_end = short_end;
    } else {
        index = cross_string(bytes, index, count);
        if (index == 0) {
            return -1;
        }
        member->key_end = index - 1;
        member->key_holds_backslash = weir_holds_backslash(bytes + member->key_start, member->key_end - member->key_start);
    }
    index = cross_space(bytes, index, count);
    if (index >= count || bytes[index] != ':') {
        return -1;
    }
    index = cross_space(bytes, index + 1, count);
    if (index >= count) {
        return -1;
    }
    member->value_start = member->value_end = index;
    if (bytes[index] == '[' && leaves_arrays) {
        return 1;
    }
    index = bytes[index] == '{' || bytes[index] == '[' ? weir_skip_container(bytes, index, count, depth_max)
                                                       : cross_scalar(bytes, index, count);
    member->value_end = index;
    return index > 0 ? 1 : -1;
}

int weir_next_element(
    const void *text, size_t index, size_t count, int is_first, int depth_max, struct weir_member *element) {
    const unsigned char *bytes = text;
    index = cross_space(bytes, index, count);
    if (index >= count) {
        return -1;
    }
    if (bytes[index] == ']') {
        element->value_end = index + 1;
        return 0;
    }
    if (!is_first) {
        if (bytes[index] != ',') {
            return -1;
        }
        index = cross_space(bytes, index + 1, count);
        if (index >= count) {
            return -1;
        }
    }
    element->value_start = index;
    index = bytes[index] == '{' || bytes[index] == '[' ? weir_skip_container(bytes, index, count, depth_max)
                                                       : cross_scalar(bytes, index, count);
    element->value_end = index;
    return index > 0 ? 1 : -1;
}

size_t weir_enter(const void *text, size_t count, uint8_t opening) {
    size_t index = cross_space(text, 0, count);
    return index < count && ((const unsigned char *)text)[index] == opening ? index + 1 : 0;
}

// Not zero when one of eight bytes is to be escaped.
static inline uint64_t escaped_word(uint64_t word) {
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\'), del = word ^ (ones * 127);
    return (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((del - ones) & ~del) | ((word - ones * 32) & ~word))
        & highs;
}

// Writes the escape of one byte and gives its length.
static size_t write_escape(uint8_t *place, uint8_t byte) {
    static const char digits[] = "0123456789abcdef";
    place[0] = '\\';
    switch (byte) {
    case '"': case '\\': place[1] = byte; return 2;
    case '\n': place[1] = 'n'; return 2;
    case '\r': place[1] = 'r'; return 2;
    case '\t': place[1] = 't'; return 2;
    default:
        place[1] = 'u';
        place[2] = place[3] = '0';
        place[4] = (uint8_t)digits[byte >> 4];
        place[5] = (uint8_t)digits[byte & 15];
        return 6;
    }
}

size_t weir_json_text(uint8_t *place, const uint8_t *text, size_t count) {
    uint8_t *end = place;
    *end++ = '"';
    size_t index = 0;
#if defined(__x86_64__)
    while (index + 16 <= count) {
        // The whole block is copied; what follows an escape is copied again.
        _mm_storeu_si128((__m128i *)end, _mm_loadu_si128((const __m128i *)(text + index)));
        unsigned bits = special_bits(text + index) | delete_bits(text + index);
        if (bits == 0) {
            end += 16;
            index += 16;
            continue;
        }
        size_t plain = (size_t)__builtin_ctz(bits);
        end += plain;
        index += plain;
        end += write_escape(end, text[index]);
        index++;
    }
#endif
    // The rest in two pieces that overlap, where both are plain.
    size_t rest = count - index;
    if (rest >= 8) {
        uint64_t first, last;
        memcpy(&first, text + index, 8);
        memcpy(&last, text + count - 8, 8);
        if ((escaped_word(first) | escaped_word(last)) == 0) {
            memcpy(end, &first, 8);
            memcpy(end + rest - 8, &last, 8);
            end += rest;
            index = count;
        }
    } else if (rest >= 4) {
        uint32_t first, last;
        memcpy(&first, text + index, 4);
        memcpy(&last, text + count - 4, 4);
        if (escaped_word((uint64_t)last << 32 | first) == 0) {
            memcpy(end, &first, 4);
            memcpy(end + rest - 4, &last, 4);
            end += rest;
            index = count;
        }
    }
    for (; index < count; index++) {
        uint8_t byte = text[index];
        if (is_special(byte) || byte == 127) {
            end += write_escape(end, byte);
        } else {
            *end++ = byte;
        }
    }
    *end++ = '"';
    return (size_t)(end - place);
}

size_t weir_json_integer(uint8_t *place, int64_t number) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960"
        "616263646566676869707172737475767778798081828384858687888990919293949596979899";
    size_t sign = 0;
    uint64_t rest = (uint64_t)number;
    if (number < 0) {
        place[0] = '-';
        sign = 1;
        rest = 0 - rest;
    }
    if (rest < 10) {
        place[sign] = (uint8_t)('0' + rest);
        return sign + 1;
    }
    uint8_t digits[20];
    size_t start = sizeof digits;
    while (rest >= 100) {
        start -= 2;
        memcpy(digits + start, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        start -= 2;
        memcpy(digits + start, pairs + rest * 2, 2);
    } else {
        digits[--start] = (uint8_t)('0' + rest);
    }
    weir_copy_short(place + sign, digits + start, sizeof digits - start);
    return sign + sizeof digits - start;
}
