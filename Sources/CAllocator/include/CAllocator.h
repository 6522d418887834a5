// CAllocator: glibc's allocator switches, which Swift's Glibc module does not export.
#ifndef WEIR_CALLOCATOR_H
#define WEIR_CALLOCATOR_H

/// Keeps freed blocks of up to `mmap_threshold` bytes in the process until `trim_threshold` bytes lie free at its end.
void weir_keep_freed_memory(int mmap_threshold, int trim_threshold);

#endif
