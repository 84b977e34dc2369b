/* The table of where entries lie: what is added is found, in any number; what is not kept goes. */
#include "memory/slots.h"

#include "base/alloc.h"
#include "unit.h"

#define KEYS 5000

/* The bits that choose the place are few: places collide, and chains wrap around the end of the table. */
static uint64_t key_of(uint64_t number)
{
    return number << 32 | (number * 2654435761u & 0x80000fffu) | number << 12;
}

static uint64_t offset_of(uint64_t number)
{
    return number % 2 ? MPJ_SLOT_MOST_BYTES - number * MPJ_SLOT_UNIT : number * MPJ_SLOT_UNIT;
}

static void add(mpj_slots *slots, uint64_t number, uint32_t segment)
{
    ck_assert_int_eq(mpj_slots_reserve(slots, 1), 0);
    mpj_slots_add(slots, key_of(number), segment, offset_of(number), (number + 1) * MPJ_SLOT_UNIT);
}

/* How many slots of this number there are, in all segments. */
static int find(const mpj_slots *slots, uint64_t number)
{
    int found = 0;
    const mpj_slot *slot = mpj_slots_first(slots, key_of(number));
    for (; slot; slot = mpj_slots_next(slots, slot))
        if (mpj_slot_offset(slot) == offset_of(number)) {
            ck_assert_uint_eq(mpj_slot_bytes(slot), (number + 1) * MPJ_SLOT_UNIT);
            found++;
        }
    return found;
}

START_TEST(what_is_added_is_found)
{
    mpj_slots slots = {0};
    ck_assert_int_eq(find(&slots, 1), 0);
    for (uint64_t i = 0; i < KEYS; i++)
        for (uint32_t segment = 0; segment <= i % 3; segment++)
            add(&slots, i, segment ? UINT32_MAX - segment : 0);
    for (uint64_t i = 0; i < KEYS; i++)
        ck_assert_int_eq(find(&slots, i), 1 + (int)(i % 3));
    for (uint64_t i = KEYS; i < 2 * KEYS; i++)
        ck_assert_int_eq(find(&slots, i), 0);
    ck_assert_uint_ge(slots.capacity, 2 * slots.used);
    mpj_slots_free(&slots);
}
END_TEST

static bool is_of_segment(const mpj_slot *slot, void *payload)
{
    return mpj_slot_segment(slot) == *(const uint32_t *)payload;
}

START_TEST(what_is_not_kept_goes_with_its_memory)
{
    mpj_slots slots = {0};
    uint32_t kept = 7;
    for (uint64_t i = 0; i < KEYS; i++)
        add(&slots, i, i % 100 == 0 ? kept : 8);
    size_t before = slots.capacity;
    ck_assert_int_eq(mpj_slots_filter(&slots, is_of_segment, &kept), 0);
    ck_assert_uint_eq(slots.used, KEYS / 100);
    ck_assert_uint_lt(slots.capacity, before / 16);
    for (uint64_t i = 0; i < KEYS; i++)
        ck_assert_int_eq(find(&slots, i), i % 100 == 0);
    mpj_slots_free(&slots);
}
END_TEST

START_TEST(without_memory_all_is_as_it_was)
{
    mpj_slots slots = {0};
    uint64_t added = 0;
    mpj_alloc_fail_from(2);
    while (mpj_slots_reserve(&slots, 1) == 0) {
        mpj_slots_add(&slots, key_of(added), 0, offset_of(added), (added + 1) * MPJ_SLOT_UNIT);
        added++;
    }
    ck_assert_uint_gt(added, 32);
    ck_assert_int_eq(mpj_slots_filter(&slots, is_of_segment, &(uint32_t){0}), -1);
    for (uint64_t i = 0; i < added; i++)
        ck_assert_int_eq(find(&slots, i), 1);
    mpj_alloc_fail_from(UINT64_MAX);
    ck_assert_int_eq(mpj_slots_reserve(&slots, SIZE_MAX / 2), -1); /* more than keys can tell apart */
    mpj_slots_free(&slots);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slots");
    TCase *cases = tcase_create("where entries lie");
    tcase_add_test(cases, what_is_added_is_found);
    tcase_add_test(cases, what_is_not_kept_goes_with_its_memory);
    tcase_add_test(cases, without_memory_all_is_as_it_was);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
