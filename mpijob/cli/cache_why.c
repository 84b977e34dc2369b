#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_why_help[] =
    "usage: mpijob cache why [OPTION ...] DIR FUNCTION ARGS\n"
    "\n"
    "Says why a call is computed, or that its result is there: never stored, another version of the function,\n"
    "expired, cleared, trimmed, damaged. ARGS are its arguments as \"mpijob cache ls\" shows them, '{\"c\":\n"
    "10, \"gamma\": 0.1}' say; of a function without arguments the job's index.\n"
    "\n"
    "  --expires AGE    results expire after 30d, 12h, 5min, or so many seconds (expires_after_s)\n"
    "  --shared DIGEST  of the run's first shared input; once more for each further one\n"
    "  --version HEX    of the function; default: the one that stored last\n"
    "  --json           a JSON object, for programs\n"
    "\n"
    "Exit status: 0 when the answer was found, whatever it is, or 1.\n";

#define SHARED_MOST 64

typedef struct question {
    mpijob_why_options options;
    mpijob_digest shared[SHARED_MOST];
    bool json;
} question;

static const char *why_name(int why)
{
    static const char *const names[] = {"stored", "never", "version", "expired", "cleared", "trimmed", "damaged"};
    return names[why];
}

static int print_json(const mpijob_answer *answer)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES], version[17], other[17];
    mpijob_digest_text(key, &answer->key);
    mpj_format_version(version, answer->version);
    mpj_format_version(other, answer->other_version);
    return mpj_print_json(
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "why", why_name(answer->why), "key", key, "version", version,
                  "other_version", answer->other_version ? json_string(other) : json_null(), "age_s",
                  answer->age_s >= 0 ? json_real(answer->age_s) : json_null(), "text", mpj_json_text(answer->text)));
}

static int print_text(const mpijob_answer *answer)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES], version[17];
    mpijob_digest_text(key, &answer->key);
    mpj_format_version(version, answer->version);
    printf("%s: %s\n", why_name(answer->why), answer->text);
    printf("  %-10s%s\n  %-10s%s\n", "key", key, "version", version);
    return MPJ_EXIT_OK;
}

static int take_option(const mpj_command *self, question *q, int option, const char *text)
{
    switch (option) {
    case 'j':
        q->json = true;
        return 0;
    case 'e':
        if (!mpj_parse_seconds(&q->options.expires_after_s, text))
            return mpj_command_usage(self, "--expires takes 30d, 12h, 5min or a number of seconds, not '%s'", text);
        return 0;
    case 'v':
        if (!mpj_parse_version(&q->options.version, text))
            return mpj_command_usage(self, "--version takes 16 hexadecimal digits, not '%s'", text);
        return 0;
    default:
        if (q->options.shared_count == SHARED_MOST)
            return mpj_command_usage(self, "--shared at most %d times", SHARED_MOST);
        if (mpijob_digest_parse(&q->shared[q->options.shared_count++], text, NULL) != MPIJOB_OK)
            return mpj_command_usage(self, "--shared takes 32 hexadecimal digits, not '%s'", text);
        return 0;
    }
}

int mpj_cache_why_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},         {"expires", required_argument, NULL, 'e'},
        {"shared", required_argument, NULL, 's'}, {"version", required_argument, NULL, 'v'},
        {"json", no_argument, NULL, 'j'},         {NULL, 0, NULL, 0}};
    question q = {.json = false};
    mpijob_store *store;
    mpijob_answer answer;
    mpijob_error err;
    int option, wrong;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1)
        if ((wrong = take_option(self, &q, option, optarg)) != 0)
            return wrong;
    if (argc - optind != 3)
        return mpj_command_usage(self, "DIR, FUNCTION and ARGS are needed, and nothing else");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    q.options.shared = q.shared;
    int status = mpijob_store_why(&answer, store, argv[optind + 1], argv[optind + 2], &q.options, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    return mpj_command_finish(q.json ? print_json(&answer) : print_text(&answer));
}
