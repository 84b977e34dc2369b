// The field macros in C++: every one of them, as constants.
#include <cstddef>
#include <cstdint>
#include <mpijob/type.h>

struct part {
    std::int32_t a;
    double b;
};

struct whole {
    bool flag;
    double x;
    float v[2][3];
    char name[16];
    char tags[2][8];
    part inner;
    part inners[3];
    const char *text;
    const char *texts[4];
    std::size_t n;
    const double *weights;
    std::int16_t part_count;
    part *parts;
    std::int8_t quiet;
};

static const mpijob_field part_fields[] = {
    MPIJOB_FIELD(part, a, MPIJOB_INT32),
    MPIJOB_FIELD(part, b, MPIJOB_FLOAT64),
};
static const mpijob_record part_record = MPIJOB_RECORD_OF(part, part_fields);

static constexpr mpijob_field whole_fields[] = {
    MPIJOB_FIELD(whole, flag, MPIJOB_BOOL),
    MPIJOB_FIELD(whole, x, MPIJOB_FLOAT64),
    MPIJOB_FIELD_ARRAY(whole, v, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD(whole, name, MPIJOB_BYTES),
    MPIJOB_FIELD_ARRAY(whole, tags, MPIJOB_BYTES, char[8]),
    MPIJOB_FIELD_RECORD(whole, inner, &part_record),
    MPIJOB_FIELD_RECORD_ARRAY(whole, inners, &part_record, part),
    MPIJOB_FIELD_STRING(whole, text),
    MPIJOB_FIELD_STRING_ARRAY(whole, texts),
    MPIJOB_FIELD_POINTER(whole, weights, MPIJOB_FLOAT64, n, MPIJOB_UINT64),
    MPIJOB_FIELD_POINTER_RECORD(whole, parts, &part_record, part_count, MPIJOB_INT16),
    {"quiet", {MPIJOB_INT8, 0, 1, nullptr, nullptr}, offsetof(whole, quiet), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
};
static constexpr mpijob_record whole_record = MPIJOB_RECORD_OF(whole, whole_fields);

static_assert(whole_record.field_count == 12, "all of them");
static_assert(whole_record.bytes == sizeof(whole), "the struct's size");
static_assert(whole_fields[2].count == 6 && whole_fields[2].type.bytes == sizeof(float), "a fixed array, made flat");
static_assert(whole_fields[3].type.bytes == 16 && whole_fields[3].count == 0, "a text");
static_assert(whole_fields[4].type.bytes == 8 && whole_fields[4].count == 2, "an array of texts");
static_assert(whole_fields[6].count == 3 && whole_fields[6].type.record == &part_record, "an array of structs");
static_assert(whole_fields[8].count == 4 && whole_fields[8].type.kind == MPIJOB_STRING, "an array of strings");
static_assert(whole_fields[9].holding == MPIJOB_POINTER && whole_fields[9].type.bytes == sizeof(double), "a pointer");
static_assert(whole_fields[9].length_offset == offsetof(whole, n), "where its length is");

int check_whole(mpijob_error *err)
{
    const mpijob_type type = mpijob_type_record(&whole_record);
    return mpijob_type_check(&type, err);
}
