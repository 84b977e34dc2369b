#include "base/error.h"

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- The interface that never changes --------------------------------------------------------------------------- */

static const struct {
    int status;
    int number;
    const char *text;
} statuses[] = {
    {MPIJOB_OK, 0, "success"},
    {MPIJOB_EJOB, -1, "a job failed"},
    {MPIJOB_ENOTFOUND, -2, "not found"},
    {MPIJOB_ECANCELED, -3, "stopped before the end"},
    {MPIJOB_EINVAL, -4, "invalid argument"},
    {MPIJOB_EMISMATCH, -5, "the ranks do not agree"},
    {MPIJOB_ENOMEM, -6, "out of memory"},
    {MPIJOB_EOS, -7, "a system call failed"},
    {MPIJOB_EMPI, -8, "an MPI call failed"},
    {MPIJOB_EINPUT, -9, "the input generator failed"},
    {MPIJOB_ECONSUMER, -10, "the consumer of results failed"},
    {MPIJOB_EUNSUPPORTED, -11, "not supported"},
    {MPIJOB_ECORRUPT, -12, "damaged data"},
    {MPIJOB_EVERSION, -13, "a format version that this library does not know"},
    {MPIJOB_EINTERNAL, -14, "internal error"},
};

START_TEST(every_status_has_its_number_and_text)
{
    ck_assert_int_eq(statuses[_i].status, statuses[_i].number);
    ck_assert_str_eq(mpijob_strerror(statuses[_i].status), statuses[_i].text);
}
END_TEST

START_TEST(the_table_above_is_the_whole_list)
{
#define COUNT_ONE(name, number, text) +1
    ck_assert_int_eq(UNIT_COUNT(statuses), 0 MPIJOB_STATUS_LIST(COUNT_ONE));
#undef COUNT_ONE
}
END_TEST

START_TEST(other_numbers_have_a_text_too)
{
    static const int others[] = {1, -15, 1000, -1000, INT32_MAX, INT32_MIN};
    for (int i = 0; i < UNIT_COUNT(others); i++)
        ck_assert_str_eq(mpijob_strerror(others[i]), "unknown status");
}
END_TEST

START_TEST(the_record_has_its_documented_layout)
{
    ck_assert_uint_eq(sizeof(mpijob_error), 1024);
    ck_assert_uint_eq(offsetof(mpijob_error, status), 0);
    ck_assert_uint_eq(offsetof(mpijob_error, rank), 4);
    ck_assert_uint_eq(offsetof(mpijob_error, job), 8);
    ck_assert_uint_eq(offsetof(mpijob_error, attempt), 16);
    ck_assert_uint_eq(offsetof(mpijob_error, signal), 20);
    ck_assert_uint_eq(offsetof(mpijob_error, os_errno), 24);
    ck_assert_uint_eq(offsetof(mpijob_error, mpi_class), 28);
    ck_assert_uint_eq(offsetof(mpijob_error, host), 32);
    ck_assert_uint_eq(offsetof(mpijob_error, text), 96);
    ck_assert_uint_eq(offsetof(mpijob_error, reserved), 992);
}
END_TEST

/* ---- Filling ---------------------------------------------------------------------------------------------------- */

static mpijob_error soiled(void)
{
    mpijob_error err;
    memset(&err, 0xaa, sizeof err);
    return err;
}

static void assert_rest_is_not_concerned(const mpijob_error *err)
{
    char host[MPIJOB_ERROR_HOST_BYTES];
    mpj_host_name(host);
    ck_assert_str_eq(err->host, host);
    ck_assert_int_eq(err->rank, -1);
    ck_assert_int_eq(err->job, -1);
    ck_assert_int_eq(err->attempt, 0);
    ck_assert_int_eq(err->signal, 0);
    ck_assert_int_eq(err->mpi_class, 0);
    for (size_t i = 0; i < sizeof err->reserved; i++)
        ck_assert_int_eq(err->reserved[i], 0);
}

START_TEST(fail_fills_the_whole_record)
{
    mpijob_error err = soiled();
    ck_assert_int_eq(mpj_fail(&err, MPIJOB_EINPUT, "row %d of %s", 7, "digits"), MPIJOB_EINPUT);
    ck_assert_int_eq(err.status, MPIJOB_EINPUT);
    ck_assert_int_eq(err.os_errno, 0);
    ck_assert_str_eq(err.text, "row 7 of digits");
    assert_rest_is_not_concerned(&err);
}
END_TEST

START_TEST(fail_os_adds_number_and_text_of_errno)
{
    mpijob_error err = soiled();
    char expected[200];
    snprintf(expected, sizeof expected, "cannot open x: %s", strerror(ENOENT));
    ck_assert_int_eq(mpj_fail_os(&err, ENOENT, "cannot open %s", "x"), MPIJOB_EOS);
    ck_assert_int_eq(err.status, MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_str_eq(err.text, expected);
    assert_rest_is_not_concerned(&err);
}
END_TEST

START_TEST(fail_memory_says_for_what_and_how_much)
{
    mpijob_error err = soiled();
    ck_assert_int_eq(mpj_fail_memory(&err, "results", 123456789012ULL), MPIJOB_ENOMEM);
    ck_assert_int_eq(err.status, MPIJOB_ENOMEM);
    ck_assert_str_eq(err.text, "no memory for results (123456789012 bytes)");
    assert_rest_is_not_concerned(&err);
}
END_TEST

START_TEST(without_a_record_the_status_is_enough)
{
    ck_assert_int_eq(mpj_fail(NULL, MPIJOB_EINVAL, "%s", "x"), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_fail_os(NULL, EIO, "%s", "x"), MPIJOB_EOS);
    ck_assert_int_eq(mpj_fail_memory(NULL, "x", 1), MPIJOB_ENOMEM);
}
END_TEST

START_TEST(a_text_may_be_made_from_the_records_own)
{
    mpijob_error err;
    mpj_fail(&err, MPIJOB_EJOB, "first");
    mpj_fail(&err, MPIJOB_EINVAL, "%s, from %s", err.text, err.host);
    char host[MPIJOB_ERROR_HOST_BYTES];
    char expected[200];
    mpj_host_name(host);
    snprintf(expected, sizeof expected, "first, from %s", host);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

/* Texts around the room there is: cut at the end, always terminated, the members behind untouched. */
START_TEST(long_texts_are_cut)
{
    char text[2 * MPIJOB_ERROR_TEXT_BYTES];
    int length = MPIJOB_ERROR_TEXT_BYTES - 25 + _i;
    memset(text, 'x', sizeof text);
    text[length] = '\0';
    mpijob_error err = soiled();
    mpj_fail(&err, MPIJOB_EINVAL, "%s", text);
    size_t kept = strlen(err.text);
    ck_assert_uint_eq(kept, length < MPIJOB_ERROR_TEXT_BYTES ? (size_t)length : MPIJOB_ERROR_TEXT_BYTES - 1);
    ck_assert_int_eq(strncmp(err.text, text, kept), 0);
    assert_rest_is_not_concerned(&err);
    err = soiled();
    mpj_fail_os(&err, ENOENT, "%s", text);
    ck_assert_uint_lt(strlen(err.text), MPIJOB_ERROR_TEXT_BYTES);
    ck_assert_uint_ge(strlen(err.text), kept);
    const char *reason = strstr(err.text, ": No such file");
    ck_assert(reason != NULL && strcmp(reason + 2, strerror(ENOENT)) == 0);
    assert_rest_is_not_concerned(&err);
}
END_TEST

static void format_into(char *out, size_t out_bytes, const char *format, ...) MPIJOB_PRINTF(3, 4);

static void format_into(char *out, size_t out_bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(out, out_bytes, format, arguments);
    va_end(arguments);
}

START_TEST(formatting_stays_in_its_buffer)
{
    char out[16];
    for (size_t bytes = 1; bytes < 12; bytes++) {
        memset(out, '?', sizeof out);
        format_into(out, bytes, "%s-%d", "0123456789", 12);
        ck_assert_uint_eq(strlen(out), bytes - 1);
        ck_assert_int_eq(strncmp(out, "0123456789-12", bytes - 1), 0);
        ck_assert_int_eq(out[bytes], '?');
    }
}
END_TEST

START_TEST(a_host_name_has_no_domain)
{
    char own[256] = "";
    char host[MPIJOB_ERROR_HOST_BYTES];
    ck_assert_int_eq(gethostname(own, sizeof own - 1), 0);
    memset(host, 'x', sizeof host);
    mpj_host_name(host);
    ck_assert_uint_lt(strlen(host), sizeof host);
    ck_assert_ptr_null(strchr(host, '.'));
    ck_assert_int_eq(strncmp(own, host, strlen(host)), 0);
    ck_assert_uint_eq(strlen(host), strcspn(own, ".") < sizeof host ? strcspn(own, ".") : sizeof host - 1);
}
END_TEST

START_TEST(texts_from_elsewhere_are_made_to_end)
{
    mpijob_error err;
    memset(&err, 'x', sizeof err);
    mpj_error_sanitise(&err);
    ck_assert_uint_eq(strlen(err.host), MPIJOB_ERROR_HOST_BYTES - 1);
    ck_assert_uint_eq(strlen(err.text), MPIJOB_ERROR_TEXT_BYTES - 1);
}
END_TEST

START_TEST(good_records_stay_as_they_are)
{
    mpijob_error err;
    mpj_fail(&err, MPIJOB_EJOB, "fine");
    mpijob_error copy = err;
    mpj_error_sanitise(&copy);
    ck_assert_mem_eq(&copy, &err, sizeof err);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *interface = tcase_create("interface");
    tcase_add_loop_test(interface, every_status_has_its_number_and_text, 0, UNIT_COUNT(statuses));
    tcase_add_test(interface, the_table_above_is_the_whole_list);
    tcase_add_test(interface, other_numbers_have_a_text_too);
    tcase_add_test(interface, the_record_has_its_documented_layout);
    suite_add_tcase(suite, interface);
    TCase *filling = tcase_create("filling");
    tcase_add_test(filling, fail_fills_the_whole_record);
    tcase_add_test(filling, fail_os_adds_number_and_text_of_errno);
    tcase_add_test(filling, fail_memory_says_for_what_and_how_much);
    tcase_add_test(filling, without_a_record_the_status_is_enough);
    tcase_add_test(filling, a_text_may_be_made_from_the_records_own);
    tcase_add_loop_test(filling, long_texts_are_cut, 0, 50);
    tcase_add_test(filling, formatting_stays_in_its_buffer);
    tcase_add_test(filling, a_host_name_has_no_domain);
    tcase_add_test(filling, texts_from_elsewhere_are_made_to_end);
    tcase_add_test(filling, good_records_stay_as_they_are);
    suite_add_tcase(suite, filling);
    return unit_run(suite);
}
