/* Who waits for results hears what others stored (store.h). */
#include "base/alloc.h"
#include "memory/shelf.h"

void mpj_shelf_listen(mpj_shelf *shelf, mpj_news *news)
{
    news->next = shelf->news;
    shelf->news = news;
}

void mpj_shelf_stop_listening(mpj_shelf *shelf, mpj_news *news)
{
    mpj_news **at = &shelf->news;
    while (*at && *at != news)
        at = &(*at)->next;
    if (*at)
        *at = news->next;
}

void mpj_shelf_tell(mpj_shelf *shelf, const mpijob_digest *key)
{
    for (mpj_news *news = shelf->news; news; news = news->next)
        if (mpj_grow((void **)&news->keys, &news->capacity, news->count + 1, sizeof *news->keys) == 0)
            news->keys[news->count++] = *key;
}
