#include "memory/seen.h"

#include "base/alloc.h"
#include "data/textbuf.h"
#include "io/identity.h"
#include "memory/appender.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 20)
#define FILE_NAME_BYTES 32

static mpj_seen_item *find(const mpj_seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++)
        if (strcmp(seen->items[i].name, name) == 0)
            return &seen->items[i];
    return NULL;
}

static mpj_seen_item *add(mpj_seen *seen, const char *name)
{
    if (strlen(name) >= MPJ_SEEN_NAME_BYTES ||
        mpj_grow((void **)&seen->items, &seen->capacity, seen->count + 1, sizeof *seen->items) != 0)
        return NULL;
    mpj_seen_item *item = &seen->items[seen->count++];
    *item = (mpj_seen_item){.value = 0};
    strcpy(item->name, name);
    return item;
}

double mpj_seen_note(mpj_seen *seen, const char *name, uint64_t value, double now_s)
{
    mpj_seen_item *item = find(seen, name);
    bool known = item && item->value == value && item->since_s <= now_s;
    if (!item)
        item = add(seen, name);
    if (!item)
        return 0;
    item->noted = true;
    if (!known) {
        item->value = value;
        item->since_s = now_s;
        seen->changed = true;
    }
    return now_s - item->since_s;
}

void mpj_seen_free(mpj_seen *seen)
{
    mpj_free(seen->items);
    *seen = (mpj_seen){.items = NULL};
}

/* ---- As text ----------------------------------------------------------------------------------------------------- */

int mpj_seen_parse(mpj_seen *seen, const char *text, double now_s)
{
    char name[MPJ_SEEN_NAME_BYTES];
    uint64_t value, since;
    _Static_assert(MPJ_SEEN_NAME_BYTES == 112, "as in the format below");
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        if (sscanf(text, "%111[^ \n] %" SCNu64 " %" SCNu64, name, &value, &since) != 3 || (double)since > now_s)
            continue;
        mpj_seen_item *item = find(seen, name);
        if (!item)
            item = add(seen, name);
        if (!item)
            return -1;
        item->value = value;
        item->since_s = (double)since;
    }
    return 0;
}

char *mpj_seen_print(const mpj_seen *seen)
{
    mpj_textbuf out = {0};
    for (size_t i = 0; i < seen->count; i++) {
        char line[MPJ_SEEN_NAME_BYTES + 64];
        const mpj_seen_item *item = &seen->items[i];
        if (!item->noted)
            continue;
        snprintf(line, sizeof line, "%s %" PRIu64 " %.0f\n", item->name, item->value, item->since_s + 1);
        mpj_textbuf_puts(&out, line);
    }
    return mpj_textbuf_finish(&out);
}

/* ---- In a file --------------------------------------------------------------------------------------------------- */

static void name_of(char name[FILE_NAME_BYTES])
{
    snprintf(name, FILE_NAME_BYTES, "%016" PRIx64 ".seen", mpj_place());
}

void mpj_seen_load(mpj_seen *seen, int folder, const char *path)
{
    char name[FILE_NAME_BYTES];
    uint64_t bytes;
    int fd;
    name_of(name);
    if (mpj_below_open(&fd, folder, path, name, &bytes, NULL) != MPIJOB_OK)
        return;
    char *text = bytes <= MOST_BYTES ? mpj_alloc((size_t)bytes + 1) : NULL;
    long got = text ? mpj_file_read_some(fd, text, (size_t)bytes, 0) : -1;
    if (got >= 0) {
        text[got] = '\0';
        mpj_seen_parse(seen, text, mpj_boot_time());
    }
    mpj_free(text);
    mpj_file_close(&fd);
}

void mpj_seen_save(const mpj_seen *seen, int folder, const char *path, const mpj_rights *rights)
{
    char name[FILE_NAME_BYTES];
    char *text = seen->changed ? mpj_seen_print(seen) : NULL;
    if (!text)
        return;
    const void *part = text;
    size_t bytes = strlen(text);
    name_of(name);
    mpj_below_publish(folder, path, name, &part, &bytes, 1, rights, false, NULL);
    mpj_free(text);
}
