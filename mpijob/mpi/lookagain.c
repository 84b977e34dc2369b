/* Jobs that wait, and that other programs have done meanwhile: looked up again. */
#include "base/alloc.h"
#include "mpi/lookset.h"

#include <string.h>

#define WATCH_S 0.1 /* what others store is looked for so often, if it pays */

static void hear(mpj_scheduler *s, const mpijob_digest *key, double now)
{
    uint64_t words[2], index;
    mpj_name name;
    memcpy(words, key->bytes, sizeof words);
    if (!mpj_lookup_missed_with(&s->looks.lookup, words, &index) || mpj_looks_key(s, index, &name, NULL) != MPIJOB_OK ||
        !mpj_plan_ask_again(s->plan, index))
        return;
    mpj_lookup_ask_again(&s->looks.lookup, index, now);
    mpj_looks_add_to_question(s, index, &name);
}

void mpj_looks_watch(mpj_scheduler *s, double now)
{
    mpj_looks *looks = &s->looks;
    if (looks->lookup.stalled || looks->lookup.held == looks->lookup.asked)
        return;
    if (now >= looks->watch_at) {
        mpj_mailbox_watch(looks->mail, looks->storing.clerk);
        looks->watch_at = now + WATCH_S;
        if (looks->news_at == looks->news_count) {
            mpj_free(looks->news);
            looks->news_count = mpj_mailbox_news(looks->mail, &looks->news);
            looks->news_at = 0;
        }
    }
    uint64_t room = mpj_looks_room(s);
    for (; looks->news_at < looks->news_count && room > 0; room--)
        hear(s, &looks->news[looks->news_at++], now);
    mpj_looks_ask(s);
}
