#include "memory/escape.h"

#include "data/digest.h"

#include <string.h>

#define LIMIT (MPJ_ESCAPED_BYTES - 1)
#define CUT_MARK '~' /* is otherwise escaped, so no short name looks like one that was cut */
#define CUT_BYTES (LIMIT - 1 - (MPIJOB_DIGEST_TEXT_BYTES - 1))

static const char digits[] = "0123456789abcdef";

/* Devices on some systems, and what lies beside the functions' folders. */
static int is_reserved(const char *name)
{
    static const char *const names[] = {"con", "prn", "aux", "nul", "cleaner", "trash", "tmp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return 1;
    }
    return (strncmp(name, "com", 3) == 0 || strncmp(name, "lpt", 3) == 0) && name[3] >= '0' && name[3] <= '9' &&
           name[4] == '\0';
}

/* Capitals are not, since two names may differ in nothing but case, and some file systems do not see that. */
static int is_plain(char c, int is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '-' && !is_first);
}

/* Returns bytes added; room for three. */
static size_t put(char *out, char c, int plain)
{
    if (plain) {
        out[0] = c;
        return 1;
    }
    out[0] = '%';
    out[1] = digits[(unsigned char)c >> 4];
    out[2] = digits[(unsigned char)c & 15];
    return 3;
}

static void cut(char *out, size_t used, const char *name)
{
    mpijob_digest digest;
    mpj_digest_of(&digest, name, strlen(name));
    out[used] = CUT_MARK;
    mpijob_digest_text(out + used + 1, &digest);
}

void mpj_escape(char out[MPJ_ESCAPED_BYTES], const char *name)
{
    char text[LIMIT + 4];
    size_t used = 0, kept = 0;
    int reserved = is_reserved(name);
    for (const char *at = name; *at != '\0' && used <= LIMIT; at++) {
        used += put(text + used, *at, is_plain(*at, at == name) && !(reserved && at == name));
        if (used <= CUT_BYTES)
            kept = used;
    }
    if (used == 0)
        text[used++] = '%'; /* the name without bytes */
    memcpy(out, text, used <= LIMIT ? used : kept);
    if (used <= LIMIT)
        out[used] = '\0';
    else
        cut(out, kept, name);
}

static int digit_value(char c)
{
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

static int decode(char *name, const char *escaped)
{
    size_t used = 0;
    for (const char *at = escaped; *at != '\0'; at++) {
        char c = *at;
        if (c == '%') {
            int high = digit_value(at[1]), low = high < 0 ? -1 : digit_value(at[2]);
            if (low < 0)
                return -1;
            c = (char)(high << 4 | low);
            at += 2;
        }
        if (c == '\0')
            return -1;
        name[used++] = c;
    }
    name[used] = '\0';
    return 0;
}

int mpj_unescape(char name[MPJ_ESCAPED_BYTES], const char *escaped)
{
    char again[MPJ_ESCAPED_BYTES];
    size_t bytes = strnlen(escaped, MPJ_ESCAPED_BYTES);
    name[0] = '\0';
    if (bytes == 0 || bytes > LIMIT || memchr(escaped, CUT_MARK, bytes) != NULL)
        return -1;
    if (strcmp(escaped, "%") == 0)
        return 0;
    if (decode(name, escaped) != 0)
        return -1;
    mpj_escape(again, name);
    return strcmp(again, escaped) == 0 ? 0 : -1;
}
