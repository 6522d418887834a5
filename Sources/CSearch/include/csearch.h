// What Swift cannot say, or not fast: memmem, a GNU extension that its Glibc module does not show; a look at 16 bytes at once; the
// CRC32C instruction.
#ifndef WEIR_CSEARCH_H
#define WEIR_CSEARCH_H
#include <stddef.h>
#include <stdint.h>

const void *weir_memmem(const void *text, size_t text_count, const void *wanted, size_t wanted_count);

// Crosses a JSON string's bytes from `start`, its one-letter escapes too: the index of the first quote, control character or other
// backslash; `count` when there is none.
size_t weir_string_stop(const void *text, size_t start, size_t count);

// The index of the first quote, backslash or control character, 127 among them, at or after `start`; `count` when there is none.
size_t weir_plain_end(const void *text, size_t start, size_t count);

// The Castagnoli checksum (RFC 3720, appendix B.4) by the processor's own instruction; -1 where it has none.
int64_t weir_crc32c(const void *bytes, size_t count);

#endif
