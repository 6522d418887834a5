#define _GNU_SOURCE
#include "csearch.h"
#include <string.h>

const void *weir_memmem(const void *text, size_t text_count, const void *wanted, size_t wanted_count) {
    return memmem(text, text_count, wanted, wanted_count);
}
