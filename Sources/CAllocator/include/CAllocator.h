// CAllocator: what the process keeps in memory: glibc's allocator switches, which Swift's Glibc module does not export, and the
// pages of its own program.
#ifndef WEIR_CALLOCATOR_H
#define WEIR_CALLOCATOR_H

/// Keeps freed blocks of up to `mmap_threshold` bytes in the process until `trim_threshold` bytes lie free at its end.
void weir_keep_freed_memory(int mmap_threshold, int trim_threshold);

/// Lets go of the pages of program files that only a start needs: relocations, and code that runs once. What is needed again comes
/// back from the page cache. Pages that were written, relocated ones among them, are not touched.
void weir_forget_startup_code(void);

#endif
