/* What every MPI suite shares. All ranks go through all tests together, in one process each (Check must not fork), so
 * an assertion may only depend on what all ranks know: otherwise one fails and leaves, and the others wait for it. */
#ifndef MPJ_TESTS_SUITE_H
#define MPJ_TESTS_SUITE_H

#include <check.h>
#include <mpijob.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

extern int suite_rank, suite_size;

/* Runs the suite on all ranks of MPI_COMM_WORLD and returns main's value. MPI is initialised before, by mpijob_init or
 * otherwise, and finalised afterwards. After each test nothing may be left on the library's communicator. */
int suite_run(Suite *suite);
/* The same by mpijob_init and mpijob_finalize. */
int suite_main(int argc, char **argv, Suite *suite);
/* A group of tests in a suite, with that check. */
TCase *suite_group(Suite *suite, const char *name);

/* Whether it holds on every rank. */
bool suite_everyone(bool condition, const char *text, const char *file, int line);
/* Fails the test on all ranks unless the condition holds on every one. Collective. */
#define everyone(condition)                                                                                            \
    ck_assert_msg(suite_everyone((condition), #condition, __FILE__, __LINE__), "not on every rank: %s", #condition)
/* The same for what rank 0 knows. */
#define rank0(condition) everyone(suite_rank != 0 || (condition))

/* Collectives in which ranks sleep: with more ranks than cores, those of an MPI that spins take a time slice a rank. */
int suite_least(int value);
void suite_spread(void *data, size_t bytes, int from);

/* All ranks must have this status and this record. Returns the status. Collective. */
int suite_same(int status, const mpijob_error *err);

/* mpijob_parallel on MPI_COMM_WORLD, with suite_same. */
int run(void *results, const mpijob_function *function, const mpijob_inputs *inputs,
        const mpijob_parallel_options *options, mpijob_error *err);

/* Whether messages wait on the library's duplicate of a communicator. */
bool suite_is_quiet(MPI_Comm comm);

/* A mpijob_log_fn that keeps what it hears; payload: a suite_log. */
typedef struct suite_log {
    int messages;
    char last[1024];
} suite_log;
void suite_listen(int level, const char *text, void *payload);

/* What a rank writes to a descriptor goes to a file from begin to end, which returns it as a string to be freed. */
typedef struct suite_capture {
    int descriptor, kept, file;
} suite_capture;
void suite_capture_begin(suite_capture *capture, int descriptor);
char *suite_capture_end(suite_capture *capture);

/* Asleep for this long. */
void suite_sleep(double seconds);

/* Byte `at` of the test data number `number`, and that data. */
unsigned char pattern_at(uint64_t number, size_t at);
void pattern_fill(void *data, size_t bytes, uint64_t number);
bool pattern_is(const void *data, size_t bytes, uint64_t number);
uint64_t pattern_hash(const void *data, size_t bytes);

#endif
