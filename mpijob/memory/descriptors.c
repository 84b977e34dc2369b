#include "memory/descriptors.h"

#include "io/file.h"

void mpj_descriptors_hold(mpj_descriptors *descriptors, int *fd)
{
    int **place = &descriptors->held[descriptors->hand];
    if (*place)
        mpj_file_close(*place);
    *place = fd;
    descriptors->hand = (descriptors->hand + 1) % MPJ_DESCRIPTORS_MOST;
}

void mpj_descriptors_drop(mpj_descriptors *descriptors, int *fd)
{
    if (*fd < 0)
        return;
    for (int i = 0; i < MPJ_DESCRIPTORS_MOST; i++)
        if (descriptors->held[i] == fd)
            descriptors->held[i] = NULL;
    mpj_file_close(fd);
}

int mpj_descriptors_drop_all(mpj_descriptors *descriptors)
{
    int closed = 0;
    for (int i = 0; i < MPJ_DESCRIPTORS_MOST; i++) {
        if (!descriptors->held[i])
            continue;
        mpj_file_close(descriptors->held[i]);
        descriptors->held[i] = NULL;
        closed++;
    }
    return closed;
}
