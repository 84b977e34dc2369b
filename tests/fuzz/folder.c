#include "folder.h"

#include "fuzz.h"

#include "io/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void remove_root(void)
{
    if (root[0])
        mpj_folder_remove(root, NULL);
}

const char *folder_new(void)
{
    static char path[80];
    if (!root[0]) {
        const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(root, sizeof root, "%s/mpijob-fuzz-XXXXXX", parent);
        FUZZ_CHECK(mkdtemp(root) != NULL);
        FUZZ_CHECK(atexit(remove_root) == 0);
        snprintf(path, sizeof path, "%s/location", root);
    }
    return path;
}

static void make_parents(char *path)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
}

void folder_put(const char *name, const void *bytes, size_t size)
{
    char path[256];
    FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", folder_new(), name) < (int)sizeof path);
    make_parents(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FUZZ_CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    FUZZ_CHECK(close(fd) == 0);
}

void folder_remove(void)
{
    FUZZ_CHECK(mpj_folder_remove(folder_new(), NULL) == MPIJOB_OK);
}
