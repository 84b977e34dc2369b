/* Eight processes store, look up, trim, compact and clear one location, for as many seconds as MPIJOB_CROWD_SECONDS
 * says: no error, no wrong value, and afterwards nothing is damaged. */
#include "memory_functions.h"

#include "base/clock.h"
#include "files.h"

#include <mpijob/store.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define NUMBERS 200

static char location[MPJ_PATH_BYTES];

#define must(condition, text)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, #condition, text);                          \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct member {
    mpijob_memory *memory;
    mpijob_function fit, table;
    uint64_t state;
    int warnings;
    mpijob_error err;
} member;

static uint64_t draw(member *p, uint64_t below)
{
    p->state = p->state * 6364136223846793005u + 1442695040888963407u;
    return (p->state >> 33) % below;
}

static void take_warning(int level, const char *text, void *payload)
{
    if (level != MPIJOB_LOG_WARNING)
        return;
    fprintf(stderr, "warning: %s\n", text);
    ((member *)payload)->warnings++;
}

static void enter(member *p)
{
    const mpijob_memory_options options = {.large_bytes = 400, .log = take_warning, .log_payload = p};
    const mpijob_cache_options mapped = {.mmap_mode = draw(p, 2) ? "r" : "", .compress = draw(p, 2) ? 3 : 0};
    must(mpijob_memory_open(&p->memory, location, &options, &p->err) == MPIJOB_OK, p->err.text);
    must(mpijob_memory_cache(&p->fit, p->memory, &fit, NULL, &p->err) == MPIJOB_OK, p->err.text);
    must(mpijob_memory_cache(&p->table, p->memory, &table, &mapped, &p->err) == MPIJOB_OK, p->err.text);
}

static fit_args number(member *p)
{
    return (fit_args){.c = (double)draw(p, NUMBERS), .fold = 30};
}

static void call(member *p)
{
    fit_args args = number(p);
    double result = -1;
    must(mpijob_function_call(&result, &p->fit, &args, NULL, &p->err) == MPIJOB_OK, p->err.text);
    must(result == fit_value(&args), "a wrong value");
}

static void call_table(member *p)
{
    fit_args args = number(p);
    mpijob_array array;
    must(mpijob_function_call_array(&array, &p->table, &args, NULL, &p->err) == MPIJOB_OK, p->err.text);
    must(array.shape[0] == 30 && array.shape[1] == 3, "a wrong shape");
    for (int i = 0; i < 90; i++)
        must(((double *)array.data)[i] == args.c + i, "a wrong value");
    mpijob_array_free(&array);
}

static void clear_call(member *p)
{
    fit_args args = number(p);
    must(mpijob_function_clear_call(draw(p, 2) ? &p->fit : &p->table, &args, NULL, NULL, &p->err) == MPIJOB_OK,
         p->err.text);
}

static void clear_function(member *p)
{
    must(mpijob_function_clear(draw(p, 2) ? &p->fit : &p->table, 0, NULL, &p->err) == MPIJOB_OK, p->err.text);
}

static void reduce(member *p)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    options.items_limit = NUMBERS;
    int status = mpijob_memory_reduce_size(p->memory, &options, NULL, &p->err);
    must(status == MPIJOB_OK || status == MPIJOB_ECANCELED, p->err.text);
}

static int count(const mpijob_stored *entry, void *payload)
{
    (void)entry;
    ++*(int *)payload;
    return 0;
}

static void compact(member *p)
{
    mpijob_store *store;
    int entries = 0;
    int status = mpijob_store_open(&store, location, NULL, &p->err);
    if (status == MPIJOB_ENOTFOUND) /* nobody has stored anything yet */
        return;
    must(status == MPIJOB_OK, p->err.text);
    status = mpijob_store_compact(NULL, store, 0, &p->err);
    must(status == MPIJOB_OK || status == MPIJOB_ECANCELED, p->err.text);
    must(mpijob_store_list(store, NULL, count, &entries, &p->err) == MPIJOB_OK, p->err.text);
    must(entries >= 0 && entries <= 2 * NUMBERS * 2, "more results than calls");
    mpijob_store_close(store);
}

static void enter_again(member *p)
{
    mpijob_memory_close(p->memory);
    enter(p);
}

static void act(member *p)
{
    uint64_t what = draw(p, 1000);
    if (what < 700)
        call(p);
    else if (what < 950)
        call_table(p);
    else if (what < 975)
        clear_call(p);
    else if (what < 982)
        enter_again(p);
    else if (what < 990)
        reduce(p);
    else if (what < 998)
        compact(p);
    else
        clear_function(p);
}

static int live(uint64_t seed, double seconds)
{
    member p = {.state = seed * 7919 + 1};
    double end = mpj_now() + seconds;
    enter(&p);
    for (int i = 0; i < 100 || mpj_now() < end; i++)
        act(&p);
    mpijob_memory_close(p.memory);
    return p.warnings > 0;
}

static void show(const mpijob_finding *finding, void *payload)
{
    (void)payload;
    fprintf(stderr, "%d: %s at %llu: %s\n", finding->kind, finding->file, (unsigned long long)finding->offset,
            finding->reason);
}

static void verify(void)
{
    mpijob_store *store;
    mpijob_error err = {.text = ""};
    mpijob_store_verified verified;
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, &err), MPIJOB_OK);
    int status = mpijob_store_verify(&verified, store, show, NULL, NULL, NULL, &err);
    ck_assert_msg(status == MPIJOB_OK && verified.unfinished == 0, "%s", err.text);
    mpijob_store_close(store);
}

START_TEST(eight_processes_share_a_location)
{
    const char *asked = getenv("MPIJOB_CROWD_SECONDS");
    double seconds = asked ? atof(asked) : 2;
    pid_t children[PROCESSES];
    strcpy(location, scratch_path(&files, "location"));
    fflush(NULL);
    for (uint64_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            _exit(live(i + 1, seconds));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int state;
        ck_assert_int_eq(waitpid(children[i], &state, 0), children[i]);
        ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "process %d ended with %x", i, (unsigned)state);
    }
    verify();
    mpijob_store *store;
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_compact(NULL, store, 1, NULL), MPIJOB_OK);
    mpijob_store_close(store);
    verify();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crowd");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, files_begin, files_end);
    tcase_add_test(all, eight_processes_share_a_location);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
