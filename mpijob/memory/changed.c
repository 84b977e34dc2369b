/* Telling, once, that a function is not what it was when its stored results were computed. */
#include "memory/memory.h"

#include "memory/shelf.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct looking {
    char own[17];
    int others;
    bool there;
} looking;

static int look_at(const char *name, void *payload)
{
    looking *l = payload;
    if (strcmp(name, l->own) == 0)
        l->there = true;
    else if (strlen(name) == sizeof l->own - 1)
        l->others++;
    return 0;
}

/* The folder of a version is made with its first result: before, nobody has been told. */
void mpj_tell_changed(const mpijob_cached *c)
{
    char below[sizeof c->shelf->below];
    looking l = {.others = 0};
    int folder;
    snprintf(l.own, sizeof l.own, "%016" PRIx64, c->signature.version);
    snprintf(below, sizeof below, "%.*s/" MPJ_VERSIONS_FOLDER, (int)c->shelf->below_function, c->shelf->below);
    if (mpj_below_walk(&folder, c->shelf->store->location, below, NULL, NULL) != MPIJOB_OK)
        return;
    mpj_below_list(folder, below, look_at, &l, NULL);
    mpj_file_close(&folder);
    if (l.there || l.others == 0)
        return;
    mpj_say_changed(c);
    if (c->memory->options.log) {
        char text[MPIJOB_ERROR_TEXT_BYTES];
        snprintf(text, sizeof text,
                 "%s has changed (description, version number or source): its results are computed anew; "
                 "those of %d other version%s stay",
                 c->signature.name, l.others, l.others == 1 ? "" : "s");
        c->memory->options.log(MPIJOB_LOG_NOTE, text, c->memory->options.log_payload);
    }
}
