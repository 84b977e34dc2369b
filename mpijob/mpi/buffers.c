#include "mpi/buffers.h"

#include "base/alloc.h"

#define SMALL ((size_t)64 << 10) /* what the allocator hands out again by itself */
#define TOO_LARGE 4              /* times what is needed: such a buffer waits for a better use */

mpj_buffer mpj_buffers_take(mpj_buffers *buffers, size_t bytes)
{
    for (int i = 0; bytes >= SMALL && i < MPJ_SPARE_BUFFERS; i++) {
        mpj_buffer found = buffers->spare[i];
        if (found.capacity < bytes || found.capacity / TOO_LARGE > bytes)
            continue;
        buffers->spare[i] = (mpj_buffer){0};
        return found;
    }
    mpj_buffer fresh = {mpj_alloc(bytes), bytes};
    return fresh;
}

mpj_buffer mpj_buffers_take_any(mpj_buffers *buffers)
{
    for (int i = 0; i < MPJ_SPARE_BUFFERS; i++) {
        mpj_buffer found = buffers->spare[i];
        if (!found.data)
            continue;
        buffers->spare[i] = (mpj_buffer){0};
        return found;
    }
    return (mpj_buffer){0};
}

void mpj_buffers_give(mpj_buffers *buffers, mpj_buffer buffer)
{
    int smallest = 0;
    for (int i = 1; i < MPJ_SPARE_BUFFERS; i++)
        if (buffers->spare[i].capacity < buffers->spare[smallest].capacity)
            smallest = i;
    if (buffer.capacity >= SMALL && buffer.capacity > buffers->spare[smallest].capacity) {
        mpj_buffer replaced = buffers->spare[smallest];
        buffers->spare[smallest] = buffer;
        buffer = replaced;
    }
    mpj_free(buffer.data);
}

void mpj_buffers_free(mpj_buffers *buffers)
{
    for (int i = 0; i < MPJ_SPARE_BUFFERS; i++)
        mpj_free(buffers->spare[i].data);
    *buffers = (mpj_buffers){0};
}
