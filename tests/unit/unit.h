/* What every unit test program shares: a main that runs one suite. */
#ifndef MPJ_TESTS_UNIT_H
#define MPJ_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#define UNIT_COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static inline int unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
