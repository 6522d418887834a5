// Valgrind 3.19 writes into the mask that a program gives to sigsuspend (it takes a signal of its own out of it), and libdispatch's
// is a constant: the write crashes valgrind. Preloaded by instructions.py, this gives it a copy.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
