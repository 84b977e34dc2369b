/* Jobs that wait, and that other programs have done meanwhile: looked up again. */
#include "base/alloc.h"
#include "base/clock.h"
#include "mpi/lookset.h"

#include <string.h>

#define WATCH_S 0.1      /* what others store is looked for so often, if it pays */
#define KEYS_A_LOOK 16   /* at the clock */
#define HEARING_S 5e-3   /* at once: finding a job among very many that wait takes a while ... */
#define HEARING_SHARE 10 /* ... and of all time at most this part */

void mpj_looks_watch(mpj_scheduler *s, double now)
{
    mpj_looks *looks = &s->looks;
    if (now < looks->watch_at || looks->lookup.held == 0)
        return;
    looks->watch_at = now + WATCH_S;
    mpj_mailbox_watch(looks->mail, looks->storing.clerk);
    if (looks->news_at < looks->news_count)
        return;
    mpj_free(looks->news);
    looks->news_count = mpj_mailbox_news(looks->mail, &looks->news);
    looks->news_at = 0;
}

/* 1: its job is asked again; 0: it has none that waits; -1: no memory, so the key stays. */
static int hear(mpj_scheduler *s, const mpijob_digest *key, double now)
{
    uint64_t words[2], index;
    mpj_name name;
    memcpy(words, key->bytes, sizeof words);
    if (!mpj_lookup_missed_with(&s->looks.lookup, words, &index) || mpj_looks_key(s, index, &name, NULL) != MPIJOB_OK)
        return 0;
    if (!mpj_looks_has_question(s))
        return -1;
    if (!mpj_plan_ask_again(s->plan, index))
        return 0;
    mpj_lookup_ask_again(&s->looks.lookup, index, now);
    mpj_looks_add_to_question(s, index, &name);
    return 1;
}

void mpj_looks_hear(mpj_scheduler *s, double now)
{
    mpj_looks *looks = &s->looks;
    if (looks->news_at == looks->news_count || now < looks->hear_at || looks->lookup.stalled ||
        !mpj_plan_has_room(s->plan))
        return;
    double spent = 0;
    uint64_t room = mpj_looks_room(s);
    while (room > 0 && looks->news_at < looks->news_count && spent < HEARING_S) {
        int asked = hear(s, &looks->news[looks->news_at], now);
        if (asked < 0)
            break;
        room -= (uint64_t)asked;
        if (looks->news_at++ % KEYS_A_LOOK == 0)
            spent = mpj_now() - now;
    }
    looks->hear_at = now + HEARING_SHARE * (mpj_now() - now);
    mpj_looks_ask(s);
}
