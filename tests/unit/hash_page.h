/* The test vectors of mpijob/doc/hash.md. */
#ifndef MPJ_TESTS_HASH_PAGE_H
#define MPJ_TESTS_HASH_PAGE_H

#include <mpijob/hash.h>

/* Fails the test unless the page gives this digest to the key. `text`: hexadecimal. */
void hash_page_assert_text(const char *key, const char *text);
void hash_page_assert(const char *key, const mpijob_digest *digest);

/* The structs that the page describes; padding and ignored members of the two points are not zero. */
typedef struct point {
    int8_t before; /* not described */
    double x;
    int32_t n;
    int64_t counter; /* ignored */
    char tag[2];
    float w[2];
} point;

extern const mpijob_record point_record;
void make_points(point points[2]);

#endif
