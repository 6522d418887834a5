// memmem is a GNU extension that Swift's Glibc module does not show; this names it.
#ifndef WEIR_CSEARCH_H
#define WEIR_CSEARCH_H
#include <stddef.h>

const void *weir_memmem(const void *text, size_t text_count, const void *wanted, size_t wanted_count);

#endif
