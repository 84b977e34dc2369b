/* Why a call finds no result (mpijob/store.h). */
#include "memory/why.h"

#include "base/alloc.h"
#include "base/error.h"
#include "memory/argsjson.h"
#include "memory/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct asking {
    mpijob_store *store;
    const char *name;
    char function[MPJ_FUNCTION_BYTES];
    const char *args_json;
    mpijob_why_options options;
    mpijob_answer *answer;
    mpijob_error *err;
    int64_t now_ns;
    mpj_name wanted;
    mpj_list list;
    bool flawed; /* an entry of this key is damaged so that no list has it */
} asking;

static void say(asking *a, int why, const char *format, ...) MPIJOB_PRINTF(3, 4);
static void say(asking *a, int why, const char *format, ...)
{
    va_list arguments;
    a->answer->why = why;
    va_start(arguments, format);
    mpj_vformat(a->answer->text, sizeof a->answer->text, format, arguments);
    va_end(arguments);
}

static const char *ago(char text[64], double seconds)
{
    mpj_why_duration(text, 64, seconds > 0 ? seconds : 0);
    return text;
}

/* ---- Which version, which key ------------------------------------------------------------------------------------ */

static int read_signature(mpj_signature *signature, const asking *a, uint64_t version, mpijob_error *err)
{
    char *text, what[64];
    size_t bytes;
    snprintf(what, sizeof what, "versions/%016" PRIx64 "/func.json", version);
    int status = mpj_list_description(&text, &bytes, mpj_store_of(a->store), a->function, version, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_signature_read(signature, text, bytes, what, err);
    mpj_free(text);
    return status;
}

static int name_of(mpj_name *name, const asking *a, uint64_t version, mpijob_error *err)
{
    mpj_signature signature;
    int status = read_signature(&signature, a, version, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_key_from_json(name, &signature, a->args_json, strlen(a->args_json), a->options.shared,
                               a->options.shared_count, err);
    mpj_signature_dispose(&signature);
    return status;
}

static int take_first(uint64_t version, void *payload)
{
    *(uint64_t *)payload = version;
    return 1;
}

/* The one that stored last; if none is there any more, any that is described. */
static int choose_version(asking *a)
{
    int64_t newest_ns = INT64_MIN;
    uint64_t version = a->options.version;
    for (size_t i = 0; i < a->list.count && !a->options.version; i++) {
        const mpj_listed *e = &a->list.entries[i];
        if (e->kind == MPJ_ENTRY_TOMBSTONE || e->time_ns < newest_ns)
            continue;
        newest_ns = e->time_ns;
        version = e->name.version;
    }
    if (!version)
        mpj_list_versions(mpj_store_of(a->store), a->function, take_first, &version, NULL);
    a->answer->version = version;
    int status = name_of(&a->wanted, a, version, a->err);
    a->answer->key = a->wanted.key;
    return status;
}

/* ---- Entries of the name ----------------------------------------------------------------------------------------- */

static size_t find(const mpj_list *list, const mpj_name *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (mpj_name_equal(&list->entries[i].name, name))
            return i;
    return SIZE_MAX;
}

/* 1, 0, or an error. */
static int is_whole(asking *a, const mpj_listed *e, mpijob_error *why)
{
    mpj_entry_header header;
    mpj_room room = {0}, plain = {0};
    const unsigned char *raw;
    size_t raw_bytes;
    int status = mpj_list_entry(&a->list, e, &room, &header, why);
    if (status == 0)
        mpj_fail(why, MPIJOB_ECORRUPT, "arguments or result of its entry are damaged");
    if (status == 1 && header.kind == MPJ_ENTRY_LARGE)
        status = mpj_large_check(a->store->memory, a->name, e, &header, room.bytes, why) == MPIJOB_OK;
    else if (status == 1)
        status = mpj_entry_payload(&raw, &raw_bytes, &plain, &header, room.bytes);
    mpj_free(room.bytes);
    mpj_free(plain.bytes);
    return status;
}

static void say_stored(asking *a, const mpj_listed *e)
{
    char age[64], limit[64];
    double age_s = mpj_age_s(a->now_ns, e->time_ns);
    a->answer->age_s = age_s;
    ago(age, age_s);
    if (a->options.expires_after_s > 0 && age_s > a->options.expires_after_s)
        say(a, MPIJOB_WHY_EXPIRED, "Its result was stored %s ago, and expires after %s.", age,
            ago(limit, a->options.expires_after_s));
    else
        say(a, MPIJOB_WHY_STORED, "Its result is there: stored %s ago, computed in %.3g s.", age, e->compute_s);
}

static void say_cleared(asking *a, const mpj_listed *e)
{
    char age[64];
    say(a, MPIJOB_WHY_CLEARED, "Its result was cleared or trimmed %s ago.", ago(age, mpj_age_s(a->now_ns, e->time_ns)));
}

/* A look-up takes the newest that is whole, up to where it was cleared. Whether that was all there is to say. */
static bool explain_entries(asking *a, size_t at)
{
    mpijob_error why = {.text = ""};
    const mpj_listed *first = &a->list.entries[at];
    if (first->kind == MPJ_ENTRY_TOMBSTONE) {
        say_cleared(a, first);
        return true;
    }
    for (size_t i = at; i != SIZE_MAX && a->list.entries[i].kind != MPJ_ENTRY_TOMBSTONE;
         i = mpj_list_next_of_name(&a->list, i))
        if (is_whole(a, &a->list.entries[i], &why) == 1) {
            say_stored(a, &a->list.entries[i]);
            return true;
        }
    a->answer->age_s = mpj_age_s(a->now_ns, first->time_ns);
    say(a, MPIJOB_WHY_DAMAGED, "Its result is damaged: %s.", why.text);
    return true;
}

/* ---- Traces ------------------------------------------------------------------------------------------------------ */

static bool explain_traces(asking *a)
{
    char age[64];
    if (a->flawed) {
        say(a, MPIJOB_WHY_DAMAGED, "Its result is damaged: the header of its entry is.");
        return true;
    }
    int64_t removed_s = mpj_why_removed(mpj_store_of(a->store), a->function, &a->wanted);
    if (removed_s < 0)
        return false;
    say(a, MPIJOB_WHY_TRIMMED, "Its result was trimmed, or cleared with others, %s ago.",
        ago(age, (double)(a->now_ns / 1000000000 - removed_s)));
    return true;
}

static void note_flaw(const mpj_flaw *flaw, void *payload)
{
    asking *a = payload;
    a->flawed |= flaw->has_key && memcmp(&flaw->key, &a->wanted.key, sizeof flaw->key) == 0;
}

/* ---- Other versions ---------------------------------------------------------------------------------------------- */

/* Its arguments may have other types: then the same text gives another key. */
static int look_at_version(uint64_t version, void *payload)
{
    asking *a = payload;
    mpj_name name;
    if (version == a->answer->version || name_of(&name, a, version, NULL) != MPIJOB_OK)
        return 0;
    size_t at = find(&a->list, &name);
    if (at == SIZE_MAX || !a->list.entries[at].live)
        return 0;
    double age_s = mpj_age_s(a->now_ns, a->list.entries[at].time_ns);
    if (a->answer->other_version == 0 || age_s < a->answer->age_s) {
        a->answer->other_version = version;
        a->answer->age_s = age_s;
    }
    return 0;
}

static bool explain_versions(asking *a)
{
    char age[64];
    mpj_textbuf differences = {0};
    mpj_list_versions(mpj_store_of(a->store), a->function, look_at_version, a, NULL);
    if (!a->answer->other_version)
        return false;
    mpj_why_differences(&differences, mpj_store_of(a->store), a->function, a->answer->version,
                        a->answer->other_version);
    char *text = mpj_textbuf_finish(&differences);
    say(a, MPIJOB_WHY_VERSION, "Version %016" PRIx64 " of the function has a result, stored %s ago; it differs in: %s.",
        a->answer->other_version, ago(age, a->answer->age_s), text ? text : "?");
    mpj_free(text);
    return true;
}

/* ---- Together ---------------------------------------------------------------------------------------------------- */

static int explain(asking *a)
{
    int status = mpj_list_read(&a->list, mpj_store_of(a->store), a->function, NULL, a->err);
    if (status == MPIJOB_OK)
        status = choose_version(a);
    if (status != MPIJOB_OK)
        return status;
    size_t at = find(&a->list, &a->wanted);
    if (at != SIZE_MAX && explain_entries(a, at))
        return MPIJOB_OK;
    const mpj_list_options again = {.flaw = note_flaw, .flaw_payload = a};
    mpj_list_free(&a->list);
    status = mpj_list_read(&a->list, mpj_store_of(a->store), a->function, &again, a->err);
    if (status == MPIJOB_OK && !explain_traces(a) && !explain_versions(a))
        say(a, MPIJOB_WHY_NEVER, "No result of this call was ever stored, or it was removed long ago.");
    return status;
}

static int check(const asking *a, mpijob_error *err)
{
    uint64_t reserved = 0;
    for (size_t i = 0; i < sizeof a->options.reserved / sizeof a->options.reserved[0]; i++)
        reserved |= a->options.reserved[i];
    if (reserved)
        return mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the why options is set: zero the struct first");
    if (!(a->options.expires_after_s >= 0))
        return mpj_fail(err, MPIJOB_EINVAL, "option expires_after_s is %g; it is 0 or more",
                        a->options.expires_after_s);
    if (!mpj_list_has(mpj_store_of(a->store), a->function))
        return mpj_fail(err, MPIJOB_ENOTFOUND, "no function '%s' has stored anything in %s", a->name,
                        mpj_store_of(a->store)->location);
    return MPIJOB_OK;
}

int mpijob_store_why(mpijob_answer *answer, mpijob_store *store, const char *function, const char *args_json,
                     const mpijob_why_options *options, mpijob_error *err)
{
    mpijob_answer made = {.age_s = -1};
    if (!answer || !store || !function || !args_json)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_why: %s is NULL",
                        !answer     ? "answer"
                        : !store    ? "store"
                        : !function ? "function"
                                    : "args_json");
    asking a = {.store = store,
                .name = function,
                .args_json = args_json,
                .answer = &made,
                .err = err,
                .now_ns = mpj_store_now_ns(),
                .list = {.folder = -1, .fd = -1}};
    if (options)
        a.options = *options;
    mpj_list_function_of(a.function, function);
    int status = check(&a, err);
    if (status == MPIJOB_OK)
        status = explain(&a);
    mpj_list_free(&a.list);
    if (status == MPIJOB_OK)
        *answer = made;
    return status;
}
