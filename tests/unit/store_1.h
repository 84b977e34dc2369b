/* A location of store format 1, through the public calls alone: functions whose results are kept in all the ways there
 * are. What is here stays as it is, as long as stores of this format are to be read. */
#ifndef MPJ_TESTS_STORE_1_H
#define MPJ_TESTS_STORE_1_H

/* How many results there are, those that were cleared left out; and of them with a file of their own. */
#define STORE_1_RESULTS 52
#define STORE_1_LARGE 4

/* Makes it in a folder that is not there yet: by two processes, of which one ends without closing. */
void store_1_make(const char *location);

/* Calls everything that it holds: nothing is computed, and every value is right; then what was cleared, which is
 * computed. */
void store_1_check(const char *location);

#endif
