#define _GNU_SOURCE
#include "csearch.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

const void *weir_memmem(const void *text, size_t text_count, const void *wanted, size_t wanted_count) {
#if defined(__x86_64__)
    // Its first two bytes, 16 places at a time: an event is too short for memmem's preparations.
    const unsigned char *bytes = text, *needle = wanted;
    if (wanted_count >= 2 && text_count >= wanted_count + 16) {
        const __m128i first_byte = _mm_set1_epi8((char)needle[0]), second_byte = _mm_set1_epi8((char)needle[1]);
        const size_t last = text_count - wanted_count;
        for (size_t index = 0; index <= last; index += 16) {
            // The last block overlaps the one before it, so that it ends with the text.
            size_t from = index + 17 <= text_count ? index : text_count - 17;
            unsigned bits = (unsigned)_mm_movemask_epi8(_mm_and_si128(
                _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(bytes + from)), first_byte),
                _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(bytes + from + 1)), second_byte)));
            for (; bits != 0; bits &= bits - 1) {
                size_t place = from + (size_t)__builtin_ctz(bits);
                if (place <= last && memcmp(bytes + place, needle, wanted_count) == 0) {
                    return bytes + place;
                }
            }
        }
        return NULL;
    }
#endif
    return memmem(text, text_count, wanted, wanted_count);
}

static inline int is_special(unsigned char byte) { return byte == '"' || byte == '\\' || byte < 32; }

// The letters of JSON's short escapes.
static inline int is_short_escape(unsigned char letter) {
    switch (letter) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return 1;
    default: return 0;
    }
}

#if defined(__x86_64__)
// A bit for each of 16 bytes that is a quote, a backslash or a control character.
static inline unsigned special_bits(const unsigned char *bytes) {
    __m128i block = _mm_loadu_si128((const __m128i *)bytes);
    __m128i special = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))),
        _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(31)), block));
    return (unsigned)_mm_movemask_epi8(special);
}

static inline unsigned delete_bits(const unsigned char *bytes) {
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)bytes), _mm_set1_epi8(127)));
}
#endif

size_t weir_plain_end(const void *text, size_t start, size_t count) {
    const unsigned char *bytes = text;
    size_t index = start;
#if defined(__x86_64__)
    for (; index + 16 <= count; index += 16) {
        unsigned bits = special_bits(bytes + index) | delete_bits(bytes + index);
        if (bits != 0) {
            return index + (size_t)__builtin_ctz(bits);
        }
    }
#endif
    while (index < count && !is_special(bytes[index]) && bytes[index] != 127) {
        index++;
    }
    return index;
}

// What a string's stop looks for in less than 16 bytes, eight at a time: the high bit of each byte that is a quote, a backslash or a
// control character. Bits above the lowest may be wrong.
static inline uint64_t special_word(uint64_t word) {
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    return ((quote - ones) & ~quote | (backslash - ones) & ~backslash | (word - ones * 32) & ~word) & highs;
}

size_t weir_string_stop(const void *text, size_t start, size_t count) {
    const unsigned char *bytes = text;
    size_t index = start;
#if defined(__x86_64__)
    while (index + 16 <= count) {
        unsigned bits = special_bits(bytes + index);
        size_t next = index + 16;
        while (bits != 0) {
            unsigned bit = (unsigned)__builtin_ctz(bits);
            size_t place = index + bit;
            if (bytes[place] != '\\' || place + 1 >= count || !is_short_escape(bytes[place + 1])) {
                return place;
            }
            // The escape's letter may be special itself, and may lie in the next block.
            bits &= ~(3u << bit);
            if (bit == 15) {
                next++;
            }
        }
        index = next;
    }
#endif
#if defined(__x86_64__) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
    while (index + 8 <= count) {
        uint64_t word;
        memcpy(&word, bytes + index, 8);
        uint64_t bits = special_word(word);
        if (bits != 0) {
            index += (size_t)__builtin_ctzll(bits) / 8;
            break;
        }
        index += 8;
    }
#endif
    for (; index < count; index++) {
        if (!is_special(bytes[index])) {
            continue;
        }
        if (bytes[index] != '\\' || index + 1 >= count || !is_short_escape(bytes[index + 1])) {
            return index;
        }
        index++;
    }
    return count;
}

static inline size_t cross_space(const unsigned char *bytes, size_t index, size_t count) {
    while (index < count && (bytes[index] == ' ' || bytes[index] == '\n' || bytes[index] == '\r' || bytes[index] == '\t')) {
        index++;
    }
    return index;
}

static inline int is_digit(unsigned char byte) { return byte >= '0' && byte <= '9'; }

static inline int is_hex_digit(unsigned char byte) { return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'); }

// Behind the string whose quote is at `index`; 0 when there is none.
static inline size_t cross_string(const unsigned char *bytes, size_t index, size_t count) {
    index++;
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
    index = cross_string(bytes, index, count);
    if (index == 0) {
        return -1;
    }
    member->key_end = index - 1;
    member->key_holds_backslash = weir_holds_backslash(bytes + member->key_start, member->key_end - member->key_start);
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

int weir_is_printable(const uint8_t *bytes, size_t count) {
    size_t index = 0;
#if defined(__x86_64__)
    for (; index + 16 <= count; index += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + index));
        __m128i good = _mm_and_si128(
            _mm_cmpgt_epi8(block, _mm_set1_epi8(31)), _mm_cmplt_epi8(block, _mm_set1_epi8(127)));
        if (_mm_movemask_epi8(good) != 0xFFFF) {
            return 0;
        }
    }
#endif
    for (; index < count; index++) {
        if (bytes[index] < 32 || bytes[index] > 126) {
            return 0;
        }
    }
    return 1;
}

size_t weir_next_quoted(const uint8_t *bytes, size_t from, size_t count, uint64_t first_letters) {
    size_t index = from;
#if defined(__x86_64__)
    for (; index + 17 <= count; index += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + index));
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
        for (; bits != 0; bits &= bits - 1) {
            size_t place = index + (size_t)__builtin_ctz(bits);
            if (first_letters >> (bytes[place + 1] & 63) & 1) {
                return place;
            }
        }
    }
#endif
    for (; index + 1 < count; index++) {
        if (bytes[index] == '"' && (first_letters >> (bytes[index + 1] & 63) & 1)) {
            return index;
        }
    }
    return count;
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
    if (index + 8 <= count) {
        _mm_storel_epi64((__m128i *)end, _mm_loadl_epi64((const __m128i *)(text + index)));
        __m128i block = _mm_loadl_epi64((const __m128i *)(text + index));
        uint8_t bytes[16];
        _mm_storeu_si128((__m128i *)bytes, block);
        if (((special_bits(bytes) | delete_bits(bytes)) & 0xFF) == 0) {
            end += 8;
            index += 8;
        }
    }
#endif
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

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t hardware_crc32c(const unsigned char *bytes, size_t count) {
    uint64_t crc = 0xFFFFFFFF;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; count > 0; bytes++, count--) {
        crc = _mm_crc32_u8((uint32_t)crc, *bytes);
    }
    return ~(uint32_t)crc;
}

int64_t weir_crc32c(const void *bytes, size_t count) {
    return __builtin_cpu_supports("sse4.2") ? (int64_t)hardware_crc32c(bytes, count) : -1;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
int64_t weir_crc32c(const void *text, size_t count) {
    const unsigned char *bytes = text;
    uint32_t crc = 0xFFFFFFFF;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        crc = __crc32cd(crc, word);
    }
    for (; count > 0; bytes++, count--) {
        crc = __crc32cb(crc, *bytes);
    }
    return (int64_t)(uint32_t)~crc;
}
#else
int64_t weir_crc32c(const void *bytes, size_t count) {
    return -1;
}
#endif
