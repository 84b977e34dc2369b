#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FORBIDDEN_BYTES ((size_t)1 << 16)

static char *make_room(void)
{
    char *all = mmap(NULL, FUZZ_ROOM_BYTES + 2 * FORBIDDEN_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FUZZ_CHECK(all != MAP_FAILED);
    FUZZ_CHECK(mprotect(all + FORBIDDEN_BYTES, FUZZ_ROOM_BYTES, PROT_READ | PROT_WRITE) == 0);
    return all + FORBIDDEN_BYTES;
}

void *fuzz_room(int room, size_t size, int parity)
{
    static char *rooms[2];
    if (!rooms[room])
        rooms[room] = make_room();
    if (size > FUZZ_ROOM_BYTES)
        return NULL;
    return rooms[room] + (parity & 1 ? 0 : FUZZ_ROOM_BYTES - size);
}

const char *fuzz_file(const void *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        FUZZ_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}
