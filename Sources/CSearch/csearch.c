#define _GNU_SOURCE
#include "bits.h"
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

// What a string's stop looks for in less than 16 bytes, eight at a time: the high bit of each byte that is a quote, a backslash or a
// control character. Bits above the lowest may be wrong.
static inline uint64_t special_word(uint64_t word) {
    const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
    return ((quote - ones) & ~quote | (backslash - ones) & ~backslash | (word - ones * 32) & ~word) & highs;
}

size_t weir_plain_end(const void *text, size_t start, size_t count) {
    const unsigned char *bytes = text;
    size_t index = start;
#if defined(__x86_64__)
    for (; index + 16 <= count; index += 16) {
        unsigned bits = special_bits(bytes + index);
        if (bits != 0) {
            return index + (size_t)__builtin_ctz(bits);
        }
    }
#endif
    while (index < count && bytes[index] != '"' && bytes[index] != '\\' && bytes[index] >= 32) {
        index++;
    }
    return index;
}

#if defined(__x86_64__)
// A bit for each of 64 bytes.
#define MASK_64(low, high) ((uint64_t)(uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32)

// The letters of short escapes, told by the two halves of a byte.
__attribute__((target("avx2"))) static inline __m256i short_escapes(__m256i block) {
    // A bit for each upper half that has letters: 2, 5, 6 and 7.
    const __m256i uppers = _mm256_setr_epi8(
        0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
    // Under each lower half, the upper ones that make a letter with it: \" b r, t, f, \\, n, /.
    const __m256i lowers = _mm256_setr_epi8(
        0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1, 0, 0, 13, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1);
    const __m256i half = _mm256_set1_epi8(15);
    __m256i upper = _mm256_shuffle_epi8(uppers, _mm256_and_si256(_mm256_srli_epi16(block, 4), half));
    __m256i lower = _mm256_shuffle_epi8(lowers, _mm256_and_si256(block, half));
    return _mm256_cmpgt_epi8(_mm256_and_si256(upper, lower), _mm256_setzero_si256());
}

// The backslashes that begin an escape, among `backslashes` of which none is escaped itself from before: every other one of a run. The
// runs that begin at an even place are told from those that begin at an odd one by what an addition carries away.
static inline uint64_t escape_beginnings(uint64_t backslashes) {
    const uint64_t evens = 0x5555555555555555;
    uint64_t starts = backslashes & ~(backslashes << 1);
    uint64_t from_even = backslashes & ~(backslashes + (starts & evens));
    return (from_even & evens) | (backslashes & ~from_even & ~evens);
}

// Crosses plain bytes and short escapes 64 at a time, and gives where it found something else, or where it has come: never inside an
// escape.
__attribute__((target("avx2"))) static size_t cross_blocks(const unsigned char *bytes, size_t index, size_t count) {
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'), control = _mm256_set1_epi8(31);
    uint64_t carried = 0;
    for (; index + 64 <= count; index += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(bytes + index));
        __m256i high = _mm256_loadu_si256((const __m256i *)(bytes + index + 32));
        __m256i low_backslash = _mm256_cmpeq_epi8(low, backslash), high_backslash = _mm256_cmpeq_epi8(high, backslash);
        __m256i low_end = _mm256_or_si256(
            _mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low));
        __m256i high_end = _mm256_or_si256(
            _mm256_cmpeq_epi8(high, quote), _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high));
        __m256i special = _mm256_or_si256(_mm256_or_si256(low_backslash, high_backslash), _mm256_or_si256(low_end, high_end));
        if (carried == 0 && _mm256_testz_si256(special, special)) {
            continue;
        }
        uint64_t beginnings = escape_beginnings(MASK_64(low_backslash, high_backslash) & ~carried);
        uint64_t escaped = beginnings << 1 | carried;
        uint64_t wrong = escaped & ~MASK_64(short_escapes(low), short_escapes(high));
        if (wrong & carried) {
            return index - 1;
        }
        uint64_t stops = (MASK_64(low_end, high_end) & ~escaped) | wrong >> 1;
        if (stops != 0) {
            return index + (size_t)__builtin_ctzll(stops);
        }
        carried = beginnings >> 63;
    }
    return index - carried;
}
#endif

size_t weir_string_stop(const void *text, size_t start, size_t count) {
    const unsigned char *bytes = text;
    size_t index = start;
#if defined(__x86_64__)
    // Most of a body are long texts, and the first 64 bytes tell whether this may be one.
    size_t crossed = 0;
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
        if (++crossed == 4 && __builtin_cpu_supports("avx2")) {
            index = cross_blocks(bytes, index, count);
        }
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

size_t weir_token_end(const uint8_t *bytes, size_t index, size_t end) {
    // A bit for each byte value.
    static const uint64_t below_64 = 0x03FF6CFA00000000, from_64 = 0x57FFFFFFC7FFFFFE;
#if defined(__x86_64__)
    // Names are letters, digits and lines: sixteen of those at once, as long as there are sixteen bytes to look at.
    while (index + 16 <= end) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + index));
        __m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));
        __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        __m128i digits = _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('0' - 1)), _mm_cmplt_epi8(block, _mm_set1_epi8('9' + 1)));
        __m128i lines = _mm_cmpeq_epi8(block, _mm_set1_epi8('-'));
        unsigned bits = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letters, digits), lines)) ^ 0xFFFF;
        if (bits == 0) {
            index += 16;
            continue;
        }
        index += (size_t)__builtin_ctz(bits);
        if (bytes[index] == ':') {
            return index;
        }
        break;
    }
#endif
    while (index < end) {
        uint8_t byte = bytes[index];
        if (byte > 127 || !((byte < 64 ? below_64 : from_64) >> (byte & 63) & 1)) {
            break;
        }
        index++;
    }
    return index;
}

int weir_is_printable(const uint8_t *bytes, size_t count) {
    size_t index = 0;
#if defined(__x86_64__)
    while (index + 16 <= count) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + index));
        __m128i good = _mm_and_si128(
            _mm_cmpgt_epi8(block, _mm_set1_epi8(31)), _mm_cmplt_epi8(block, _mm_set1_epi8(127)));
        if (_mm_movemask_epi8(good) != 0xFFFF) {
            return 0;
        }
        index += 16;
        if (index == count) {
            return 1;
        }
        // The last block overlaps the one before it.
        if (index + 16 > count) {
            index = count - 16;
        }
    }
#endif
    for (; index + 8 <= count; index += 8) {
        // The high bit of each byte that is below 32 or above 126.
        const uint64_t ones = 0x0101010101010101;
        uint64_t word;
        memcpy(&word, bytes + index, 8);
        if (((word - ones * 32) | (word + ones) | word) & ones * 0x80) {
            break;
        }
    }
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
