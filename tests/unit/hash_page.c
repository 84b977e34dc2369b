#include "hash_page.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

static const mpijob_field point_fields[] = {
    MPIJOB_FIELD(point, x, MPIJOB_FLOAT64),
    MPIJOB_FIELD(point, n, MPIJOB_INT32),
    {"counter", {MPIJOB_INT64, 0, 8, NULL, NULL}, offsetof(point, counter), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
    MPIJOB_FIELD(point, tag, MPIJOB_BYTES),
    MPIJOB_FIELD_ARRAY(point, w, MPIJOB_FLOAT32, float),
};
const mpijob_record point_record = MPIJOB_RECORD_OF(point, point_fields);

void make_points(point points[2])
{
    memset(points, 0x5a, 2 * sizeof *points);
    points[0].x = 1;
    points[0].n = 7;
    memcpy(points[0].tag, "ab", 2);
    memcpy(points[0].w, (float[]){0.5f, 1.5f}, sizeof points[0].w);
    points[1].x = -2;
    points[1].n = -1;
    memcpy(points[1].tag, "cd", 2);
    memcpy(points[1].w, (float[]){2.5f, 3.5f}, sizeof points[1].w);
}

/* "| key | ... | text |" */
static int is_line_of(const char *line, const char *key, const char *text)
{
    size_t bytes = strlen(key);
    const char *last = strrchr(line, '|');
    if (strncmp(line, "| ", 2) != 0 || strncmp(line + 2, key, bytes) != 0 || strncmp(line + 2 + bytes, " | ", 3) != 0)
        return 0;
    ck_assert_msg(strlen(text) + 3 < (size_t)(last - line) && strncmp(last - strlen(text) - 3, "| ", 2) == 0 &&
                      strncmp(last - strlen(text) - 1, text, strlen(text)) == 0,
                  "%s: computed was %s, but the page has %s", key, text, line);
    return 1;
}

void hash_page_assert_text(const char *key, const char *text)
{
    char line[500];
    int found = 0;
    FILE *page = fopen(HASH_PAGE, "r");
    ck_assert_msg(page != NULL, "%s cannot be opened", HASH_PAGE);
    while (fgets(line, sizeof line, page) != NULL)
        found += is_line_of(line, key, text);
    fclose(page);
    ck_assert_msg(found == 1, "the page has %d lines for %s", found, key);
}

void hash_page_assert(const char *key, const mpijob_digest *digest)
{
    char text[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest_text(text, digest);
    hash_page_assert_text(key, text);
}
