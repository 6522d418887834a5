#define _GNU_SOURCE
#include "CAllocator.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void weir_keep_freed_memory(int mmap_threshold, int trim_threshold) {
    mallopt(M_MMAP_THRESHOLD, mmap_threshold);
    mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

// A file whose read-only segments the loader has written into would lose what it wrote.
static int has_text_relocations(const struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL))) return 1;
        }
        return 0;
    }
    return 1;
}

static int forget_read_only_segments(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    // The kernel's own page is no file.
    if (strncmp(info->dlpi_name, "linux-", 6) == 0 || has_text_relocations(info)) return 0;
    const ElfW(Addr) page = (ElfW(Addr))sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        // Whole pages alone: the edges may belong to a neighbour that is written.
        ElfW(Addr) begin = (info->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
        ElfW(Addr) end = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void weir_forget_startup_code(void) { dl_iterate_phdr(forget_read_only_segments, NULL); }
