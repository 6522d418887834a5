// What ends a run of plain bytes in a JSON string: one byte at a time, and sixteen.
#ifndef WEIR_BITS_H
#define WEIR_BITS_H
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

#endif
