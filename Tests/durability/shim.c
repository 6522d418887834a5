/* shim: makes the journal's disk fail on demand. The file named by WEIR_SHIM holds the words of what fails now: `allocate` makes
   posix_fallocate say ENOSPC, `sync` makes fdatasync say EIO, both for files under a folder named `journal` alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int descriptor, const char *word) {
    char link[64], path[4096], words[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    if (!strstr(path, "/journal")) return 0;
    const char *trigger = getenv("WEIR_SHIM");
    int file = trigger ? open(trigger, O_RDONLY) : -1;
    if (file < 0) return 0;
    count = read(file, words, sizeof words - 1);
    close(file);
    if (count < 0) return 0;
    words[count] = 0;
    return strstr(words, word) != NULL;
}

int posix_fallocate(int descriptor, off_t offset, off_t length) {
    static int (*real)(int, off_t, off_t);
    if (fails(descriptor, "allocate")) return ENOSPC;
    if (!real) real = dlsym(RTLD_NEXT, "posix_fallocate");
    return real(descriptor, offset, length);
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (fails(descriptor, "sync")) { errno = EIO; return -1; }
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return real(descriptor);
}
