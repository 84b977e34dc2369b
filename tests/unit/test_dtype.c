#include "base/alloc.h"
#include "data/dtype.h"
#include "failing.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define OWN (LITTLE ? "<" : ">")

static json_t *from_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_msg(value != NULL, "%s", text);
    return value;
}

static int parse(mpj_dtype *dtype, const char *json, mpijob_error *err)
{
    json_t *descr = from_json(json);
    memset(dtype, 0x55, sizeof *dtype);
    int status = mpj_dtype_parse(dtype, descr, "x.npy", err);
    json_decref(descr);
    return status;
}

/* ---- Scalars --------------------------------------------------------------------------------------------------- */

/* order: '<' or '>' as in the file, '=' for this machine's, '|'. */
static const struct {
    const char *text;
    int kind;
    size_t bytes;
    char order;
    const char *dtype; /* of opaque types; '@' stands for this machine's order */
} scalars[] = {
    {"|b1", MPIJOB_BOOL, 1, '|', NULL},
    {"|i1", MPIJOB_INT8, 1, '|', NULL},
    {"<i1", MPIJOB_INT8, 1, '|', NULL},
    {"<i2", MPIJOB_INT16, 2, '<', NULL},
    {">i2", MPIJOB_INT16, 2, '>', NULL},
    {"<i4", MPIJOB_INT32, 4, '<', NULL},
    {">i4", MPIJOB_INT32, 4, '>', NULL},
    {"=i4", MPIJOB_INT32, 4, '=', NULL},
    {"|i4", MPIJOB_INT32, 4, '=', NULL},
    {"i4", MPIJOB_INT32, 4, '=', NULL},
    {"<i8", MPIJOB_INT64, 8, '<', NULL},
    {"|u1", MPIJOB_UINT8, 1, '|', NULL},
    {">u2", MPIJOB_UINT16, 2, '>', NULL},
    {"<u4", MPIJOB_UINT32, 4, '<', NULL},
    {">u8", MPIJOB_UINT64, 8, '>', NULL},
    {"<f4", MPIJOB_FLOAT32, 4, '<', NULL},
    {"<f8", MPIJOB_FLOAT64, 8, '<', NULL},
    {">f8", MPIJOB_FLOAT64, 8, '>', NULL},
    {"<c8", MPIJOB_COMPLEX64, 8, '<', NULL},
    {">c16", MPIJOB_COMPLEX128, 16, '>', NULL},
    {"|S1", MPIJOB_BYTES, 1, '|', NULL},
    {"|S16", MPIJOB_BYTES, 16, '|', NULL},
    {">S16", MPIJOB_BYTES, 16, '|', NULL},
    {"|a3", MPIJOB_BYTES, 3, '|', NULL},
    {"|S2147483647", MPIJOB_BYTES, 2147483647, '|', NULL},
    {"<f2", MPIJOB_OPAQUE, 2, '<', "<f2"},
    {">f2", MPIJOB_OPAQUE, 2, '>', ">f2"},
    {"f2", MPIJOB_OPAQUE, 2, '=', "@f2"},
    {"<f12", MPIJOB_OPAQUE, 12, '<', "<f12"},
    {"<f16", MPIJOB_OPAQUE, 16, '<', "<f16"},
    {"<c24", MPIJOB_OPAQUE, 24, '<', "<c24"},
    {">c32", MPIJOB_OPAQUE, 32, '>', ">c32"},
    {"<U1", MPIJOB_OPAQUE, 4, '<', "<U1"},
    {">U5", MPIJOB_OPAQUE, 20, '>', ">U5"},
    {"=U5", MPIJOB_OPAQUE, 20, '=', "@U5"},
    {"<U536870911", MPIJOB_OPAQUE, 2147483644, '<', "<U536870911"},
    {"<M8[ns]", MPIJOB_OPAQUE, 8, '<', "<M8[ns]"},
    {"M8[D]", MPIJOB_OPAQUE, 8, '=', "@M8[D]"},
    {">m8[25us]", MPIJOB_OPAQUE, 8, '>', ">m8[25us]"},
    {"<m8", MPIJOB_OPAQUE, 8, '<', "<m8"},
    {"|V1", MPIJOB_OPAQUE, 1, '|', "|V1"},
    {"<V7", MPIJOB_OPAQUE, 7, '|', "|V7"},
};

static void with_own_order(char out[64], const char *text)
{
    snprintf(out, 64, "%s%s", text[0] == '@' ? OWN : "", text[0] == '@' ? text + 1 : text);
}

START_TEST(scalars_are_understood)
{
    mpj_dtype dtype;
    mpijob_error err = {0};
    json_t *descr = json_string(scalars[_i].text);
    char order = scalars[_i].order == '=' ? OWN[0] : scalars[_i].order;
    ck_assert_msg(mpj_dtype_parse(&dtype, descr, "x.npy", &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_int_eq(dtype.type.kind, scalars[_i].kind);
    ck_assert_uint_eq(mpijob_type_size(&dtype.type), scalars[_i].bytes);
    ck_assert_int_eq(dtype.byte_order, order);
    ck_assert_uint_eq(dtype.swap_count, 1);
    ck_assert_int_eq(dtype.swapped[0], scalars[_i].kind != MPIJOB_OPAQUE && order != '|' && order != OWN[0]);
    ck_assert_int_eq(mpijob_type_check(&dtype.type, NULL), MPIJOB_OK);
    ck_assert_int_eq(dtype.type.dtype != NULL, scalars[_i].dtype != NULL);
    if (scalars[_i].dtype) {
        char wanted[64];
        with_own_order(wanted, scalars[_i].dtype);
        ck_assert_str_eq(dtype.type.dtype, wanted);
    }
    mpj_dtype_free(&dtype);
    ck_assert_ptr_null(dtype.own);
    mpj_dtype_free(&dtype);
    json_decref(descr);
}
END_TEST

/* ---- Structs --------------------------------------------------------------------------------------------------- */

/* A type as text: kind, or {name:type*count@offset ...}bytes. */
static void show(char *out, const mpijob_type *type)
{
    if (type->kind != MPIJOB_RECORD) {
        sprintf(out, "%s%zu", mpijob_kind_name(type->kind), mpijob_type_size(type));
        return;
    }
    strcpy(out, "{");
    for (size_t i = 0; i < type->record->field_count; i++) {
        const mpijob_field *field = &type->record->fields[i];
        sprintf(out + strlen(out), "%s%s:", i ? " " : "", field->name);
        show(out + strlen(out), &field->type);
        if (field->count)
            sprintf(out + strlen(out), "*%zu", field->count);
        sprintf(out + strlen(out), "@%zu", field->offset);
    }
    sprintf(out + strlen(out), "}%zu", type->record->bytes);
}

static const struct {
    const char *descr, *shown, *swapped; /* on a little-endian machine */
    char order;
} structs[] = {
    {"[[\"a\", \"<f8\"]]", "{a:float648@0}8", "0", '<'},
    {"[[\"a\", \"<f8\"], [\"b\", \">i4\"]]", "{a:float648@0 b:int324@8}12", "01", '='},
    {"[[\"a\", \"|b1\"], [\"b\", \">i4\"]]", "{a:bool1@0 b:int324@1}5", "01", '>'},
    {"[[\"a\", \"|b1\"], [\"b\", \"|S3\"]]", "{a:bool1@0 b:bytes3@1}4", "00", '|'},
    {"[[\"a\", \"|b1\"], [\"\", \"|V3\"], [\"b\", \"<i4\"], [\"\", \"|V8\"]]", "{a:bool1@0 b:int324@4}16", "00", '<'},
    {"[[\"\", \"|V3\"], [\"a\", \">i2\"]]", "{a:int162@3}5", "1", '>'},
    {"[[\"\", \"|V3\", [2]], [\"a\", \"|u1\"]]", "{a:uint81@6}7", "0", '|'},
    {"[[\"\", \"|V0\"], [\"a\", \"|u1\"]]", "{a:uint81@0}1", "0", '|'},
    {"[[\"a\", \"|V3\"]]", "{a:opaque3@0}3", "0", '|'},
    {"[[\"a\", \">U3\"], [\"b\", \"<f8\"]]", "{a:opaque12@0 b:float648@12}20", "00", '='},
    {"[[\"a\", \">f8\", [3]]]", "{a:float648*3@0}24", "1", '>'},
    {"[[\"a\", \">f8\", [2, 3]]]", "{a:float648*6@0}48", "1", '>'},
    {"[[\"a\", \"<f8\", [1]]]", "{a:float648*1@0}8", "0", '<'},
    {"[[\"a\", \"<f8\", []]]", "{a:float648@0}8", "0", '<'},
    {"[[\"a\", \"<f8\", 4]]", "{a:float648*4@0}32", "0", '<'},
    {"[[\"a\", [\"<f8\", [2]]]]", "{a:float648*2@0}16", "0", '<'},
    {"[[\"a\", [\"<f8\", [2]], [3]]]", "{a:float648*6@0}48", "0", '<'},
    {"[[\"a\", [[\"<f8\", [2]], 5], [3]]]", "{a:float648*30@0}240", "0", '<'},
    {"[[[\"title\", \"name\"], \"<f8\"]]", "{name:float648@0}8", "0", '<'},
    {"[[\"a\", [[\"x\", \">f8\"], [\"y\", \"<f8\"]]], [\"b\", \">i2\"]]",
     "{a:{x:float648@0 y:float648@8}16@0 b:int162@16}18", "101", '='},
    {"[[\"a\", [[\"x\", \">f4\"], [\"\", \"|V4\"]], [5]], [\"b\", \"<i2\"]]", "{a:{x:float324@0}8*5@0 b:int162@40}42",
     "10", '='},
    {"[[\"gr\\u00f6\\u00dfe\", \"<f8\"]]", "{gr\u00f6\u00dfe:float648@0}8", "0", '<'},
    {"[[\"a\", \"|S1\", [2147483647]]]", "{a:bytes1*2147483647@0}2147483647", "0", '|'},
};

START_TEST(structs_are_understood)
{
    mpj_dtype dtype;
    mpijob_error err = {0};
    char shown[400];
    ck_assert_msg(parse(&dtype, structs[_i].descr, &err) == MPIJOB_OK, "%s", err.text);
    show(shown, &dtype.type);
    ck_assert_str_eq(shown, structs[_i].shown);
    ck_assert_int_eq(dtype.byte_order, structs[_i].order);
    ck_assert_uint_eq(dtype.swap_count, strlen(structs[_i].swapped));
    for (size_t i = 0; LITTLE && i < dtype.swap_count; i++)
        ck_assert_int_eq(dtype.swapped[i], structs[_i].swapped[i] - '0');
    ck_assert_str_eq(dtype.type.record->name, "");
    ck_assert_msg(mpijob_type_check(&dtype.type, &err) == MPIJOB_OK, "%s", err.text);
    mpj_dtype_free(&dtype);
}
END_TEST

static const struct {
    const char *descr;
    int status;
    const char *reason;
} bad[] = {
    {"null", MPIJOB_ECORRUPT, "neither a text nor a list"},
    {"5", MPIJOB_ECORRUPT, "neither a text nor a list"},
    {"{}", MPIJOB_ECORRUPT, "neither a text nor a list"},
    {"\"\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<<f8\"", MPIJOB_ECORRUPT, "no size"},
    {"\"<f\"", MPIJOB_ECORRUPT, "no size"},
    {"\"<f3\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<i16\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<b2\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<x8\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<f8x\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<f8[ns]\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<f8\\u0000\"", MPIJOB_ECORRUPT, "neither a text nor a list"},
    {"\"<M4\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<M8[\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<M8[ns]x\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"<M8[']\"", MPIJOB_ECORRUPT, "no type of numpy's"},
    {"\"|S-1\"", MPIJOB_ECORRUPT, "no size"},
    {"\"|S2147483648\"", MPIJOB_ECORRUPT, "no size"},
    {"\"<U536870912\"", MPIJOB_ECORRUPT, "no size"},
    {"\"|S99999999999999999999999999999999999999\"", MPIJOB_ECORRUPT, "no size"},
    {"\"float64\"", MPIJOB_ECORRUPT, "no size"},
    {"\"|O\"", MPIJOB_EUNSUPPORTED, "Python objects"},
    {"\"|O8\"", MPIJOB_EUNSUPPORTED, "Python objects"},
    {"\"O\"", MPIJOB_EUNSUPPORTED, "Python objects"},
    {"\"|T16\"", MPIJOB_EUNSUPPORTED, "texts of variable length"},
    {"\"|S0\"", MPIJOB_EUNSUPPORTED, "no bytes"},
    {"\"<U0\"", MPIJOB_EUNSUPPORTED, "no bytes"},
    {"\"|V0\"", MPIJOB_EUNSUPPORTED, "no bytes"},
    {"[]", MPIJOB_EUNSUPPORTED, "without fields"},
    {"[[\"\", \"|V8\"]]", MPIJOB_EUNSUPPORTED, "without fields"},
    {"[[\"\", \"|V0\"]]", MPIJOB_EUNSUPPORTED, "without fields"},
    {"[[\"a\", []]]", MPIJOB_EUNSUPPORTED, "without fields"},
    {"[[\"a\", \"|O\"]]", MPIJOB_EUNSUPPORTED, "Python objects"},
    {"[[\"a\", \"<f8\", [0]]]", MPIJOB_EUNSUPPORTED, "shape has a 0"},
    {"[[\"a\", \"|S0\"]]", MPIJOB_EUNSUPPORTED, "no bytes"},
    {"[\"a\", \"<f8\"]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[\"<f8\", [3]]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[[]]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[[\"a\"]]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[[\"a\", \"<f8\", [3], 1]]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[{}]", MPIJOB_ECORRUPT, "not [name, type]"},
    {"[[1, \"<f8\"]]", MPIJOB_ECORRUPT, "name is no text"},
    {"[[\"a\\u0000b\", \"<f8\"]]", MPIJOB_ECORRUPT, "name is no text"},
    {"[[[\"t\"], \"<f8\"]]", MPIJOB_ECORRUPT, "a title and a name"},
    {"[[[1, \"a\"], \"<f8\"]]", MPIJOB_ECORRUPT, "a title and a name"},
    {"[[[\"t\", 1], \"<f8\"]]", MPIJOB_ECORRUPT, "name is no text"},
    {"[[\"\", \"<f8\"]]", MPIJOB_ECORRUPT, "without a name"},
    {"[[\"\", [[\"a\", \"<f8\"]]]]", MPIJOB_ECORRUPT, "without a name"},
    {"[[[\"t\", \"\"], \"<f8\"]]", MPIJOB_ECORRUPT, "without a name"},
    {"[[\"a\", \"<f8\"], [\"a\", \"<f8\"]]", MPIJOB_ECORRUPT, "two fields have the name 'a'"},
    {"[[\"a\", \"<f8\", [-1]]]", MPIJOB_ECORRUPT, "not made of lengths"},
    {"[[\"a\", \"<f8\", \"3\"]]", MPIJOB_ECORRUPT, "not made of lengths"},
    {"[[\"a\", \"<f8\", [1.5]]]", MPIJOB_ECORRUPT, "not made of lengths"},
    {"[[\"a\", \"<f8\", [1, \"x\"]]]", MPIJOB_ECORRUPT, "not made of lengths"},
    {"[[\"a\", \"<f8\", null]]", MPIJOB_ECORRUPT, "not made of lengths"},
    {"[[\"a\", \"<f8\", [2147483648]]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", \"<f8\", [268435456]]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", \"<f8\", [9223372036854775807, 9223372036854775807]]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", \"|S1\", [65536, 32768]]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", [[\"b\", \"|S2\", [65536]]], [65536]]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", \"|S2147483647\"], [\"b\", \"|b1\"]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", \"|b1\"], [\"\", \"|V2147483647\"]]", MPIJOB_ECORRUPT, "2^31 - 1"},
    {"[[\"a\", 5]]", MPIJOB_ECORRUPT, "neither a text nor a list"},
};

START_TEST(anything_else_is_an_error)
{
    static const mpj_dtype zero;
    mpj_dtype dtype;
    mpijob_error err = {0};
    ck_assert_int_eq(parse(&dtype, bad[_i].descr, &err), bad[_i].status);
    ck_assert_int_eq(err.status, bad[_i].status);
    ck_assert_msg(strstr(err.text, bad[_i].reason) != NULL, "%s: %s", bad[_i].descr, err.text);
    ck_assert_int_eq(strncmp(err.text, "x.npy: ", 7), 0);
    ck_assert_mem_eq(&dtype, &zero, sizeof dtype);
}
END_TEST

static json_t *nested(int depth)
{
    json_t *descr = json_string("<f8");
    for (int i = 0; i < depth; i++)
        descr = json_pack("[[s, o]]", "a", descr);
    return descr;
}

START_TEST(nesting_and_names_are_limited)
{
    static const int depths[] = {1, 32, 33, 1000};
    mpj_dtype dtype;
    for (int i = 0; i < UNIT_COUNT(depths); i++) {
        json_t *descr = nested(depths[i]);
        int status = mpj_dtype_parse(&dtype, descr, "x.npy", NULL);
        ck_assert_int_eq(status, depths[i] <= 32 ? MPIJOB_OK : MPIJOB_EUNSUPPORTED);
        mpj_dtype_free(&dtype);
        json_decref(descr);
    }
    char name[1100] = "";
    for (int bytes = 1023; bytes <= 1024; bytes++) {
        memset(name, 'n', (size_t)bytes);
        json_t *descr = json_pack("[[s, s]]", name, "<f8");
        int status = mpj_dtype_parse(&dtype, descr, "x.npy", NULL);
        ck_assert_int_eq(status, bytes == 1023 ? MPIJOB_OK : MPIJOB_ECORRUPT);
        mpj_dtype_free(&dtype);
        json_decref(descr);
    }
}
END_TEST

/* ---- The other way --------------------------------------------------------------------------------------------- */

typedef struct inner {
    int16_t a;
    double b;
} inner;

typedef struct outer {
    bool flag;
    float complex_pair[2];
    inner one;
    char name[5];
    inner many[3];
    int8_t last;
} outer;

static const mpijob_field inner_fields[] = {MPIJOB_FIELD(inner, a, MPIJOB_INT16),
                                            MPIJOB_FIELD(inner, b, MPIJOB_FLOAT64)};
static const mpijob_record inner_record = MPIJOB_RECORD_OF(inner, inner_fields);
static const mpijob_field outer_fields[] = {
    MPIJOB_FIELD(outer, flag, MPIJOB_BOOL),
    MPIJOB_FIELD(outer, complex_pair, MPIJOB_COMPLEX64),
    MPIJOB_FIELD_RECORD(outer, one, &inner_record),
    MPIJOB_FIELD(outer, name, MPIJOB_BYTES),
    {"many", {MPIJOB_RECORD, 0, 0, &inner_record, NULL}, offsetof(outer, many), 3, 0, 0, 0, 0, 0},
    {"last", {MPIJOB_INT8, 0, 1, NULL, NULL}, offsetof(outer, last), 1, 0, 0, 0, MPIJOB_IGNORED, 0},
};
static const mpijob_record outer_record = MPIJOB_RECORD_OF(outer, outer_fields);

#define INNER_PADDED "[[\"a\", \"<i2\"], [\"\", \"|V6\"], [\"b\", \"<f8\"]]"
#define INNER_PACKED "[[\"a\", \"<i2\"], [\"b\", \"<f8\"]]"

static const char outer_padded[] =
    "[[\"flag\", \"|b1\"], [\"\", \"|V3\"], [\"complex_pair\", \"<c8\"], [\"\", \"|V4\"], [\"one\", " INNER_PADDED "], "
    "[\"name\", \"|S5\"], [\"\", \"|V3\"], [\"many\", " INNER_PADDED
    ", [3]], [\"last\", \"|i1\", [1]], [\"\", \"|V7\"]]";
static const char outer_packed[] = "[[\"flag\", \"|b1\"], [\"complex_pair\", \"<c8\"], [\"one\", " INNER_PACKED "], "
                                   "[\"name\", \"|S5\"], [\"many\", " INNER_PACKED ", [3]], [\"last\", \"|i1\", [1]]]";

static void assert_descr(const mpijob_type *type, int padded, const char *wanted)
{
    char text[1024];
    json_t *descr = mpj_dtype_descr(type, padded);
    mpj_dtype_text(text, sizeof text, descr);
    if (LITTLE)
        ck_assert_str_eq(text, wanted);
    json_decref(descr);
}

START_TEST(structs_are_described)
{
    const mpijob_type type = mpijob_type_record(&outer_record);
    assert_descr(&type, 1, outer_padded);
    assert_descr(&type, 0, outer_packed);
}
END_TEST

START_TEST(scalars_are_described)
{
    mpj_dtype dtype, again;
    json_t *descr = json_string(scalars[_i].text), *written;
    ck_assert_int_eq(mpj_dtype_parse(&dtype, descr, "x", NULL), MPIJOB_OK);
    written = mpj_dtype_descr(&dtype.type, 1);
    ck_assert_int_eq(mpj_dtype_parse(&again, written, "x", NULL), MPIJOB_OK);
    ck_assert_int_eq(again.type.kind, dtype.type.kind);
    ck_assert_uint_eq(again.type.bytes, dtype.type.bytes);
    ck_assert_int_eq(again.swapped[0], 0);
    char expected[64];
    const char *text = scalars[_i].text;
    with_own_order(expected, scalars[_i].dtype ? scalars[_i].dtype : text);
    if (strchr("<>|", text[0]) && !scalars[_i].dtype && text[1] != 'a')
        expected[0] = scalars[_i].order == '|' ? '|' : OWN[0];
    if (strchr("<>|", text[0]) && text[1] != 'a')
        ck_assert_str_eq(json_string_value(written), expected);
    mpj_dtype_free(&dtype);
    mpj_dtype_free(&again);
    json_decref(descr);
    json_decref(written);
}
END_TEST

static void assert_same_copy(const mpijob_type *type)
{
    char shown[600], copied[600];
    mpj_dtype copy;
    ck_assert_int_eq(mpj_dtype_copy(&copy, type, 0, NULL), MPIJOB_OK);
    show(shown, type);
    show(copied, &copy.type);
    ck_assert_str_eq(copied, shown);
    ck_assert(copy.type.record != type->record);
    ck_assert_str_eq(copy.type.record->name, type->record->name);
    ck_assert_uint_eq(copy.swap_count, 8);
    ck_assert_int_eq(copy.byte_order, OWN[0]);
    for (size_t i = 0; i < copy.swap_count; i++)
        ck_assert_int_eq(copy.swapped[i], 0);
    const mpijob_field *last = &copy.type.record->fields[5];
    ck_assert(last->name != type->record->fields[5].name);
    ck_assert_uint_eq(last->flags, MPIJOB_IGNORED);
    mpj_dtype_free(&copy);
}

START_TEST(copies_are_padded_or_packed)
{
    const mpijob_type type = mpijob_type_record(&outer_record);
    char packed[600];
    mpj_dtype copy;
    mpijob_error err = {0};
    assert_same_copy(&type);
    ck_assert_int_eq(mpj_dtype_copy(&copy, &type, 1, NULL), MPIJOB_OK);
    show(packed, &copy.type);
    ck_assert_str_eq(packed, "{flag:bool1@0 complex_pair:complex648@1 one:{a:int162@0 b:float648@2}10@9 name:bytes5@19 "
                             "many:{a:int162@0 b:float648@2}10*3@24 last:int81*1@54}55");
    ck_assert_msg(mpijob_type_check(&copy.type, &err) == MPIJOB_OK, "%s", err.text);
    assert_descr(&copy.type, 1, outer_packed);
    mpj_dtype_free(&copy);
    const mpijob_type half = {MPIJOB_OPAQUE, 0, 2, NULL, ">f2"};
    ck_assert_int_eq(mpj_dtype_copy(&copy, &half, 1, NULL), MPIJOB_OK);
    ck_assert_str_eq(copy.type.dtype, ">f2");
    ck_assert(copy.type.dtype != half.dtype);
    ck_assert_int_eq(copy.byte_order, '>');
    ck_assert_int_eq(copy.swapped[0], 0);
    mpj_dtype_free(&copy);
}
END_TEST

START_TEST(what_has_no_copy)
{
    typedef struct named {
        char *name;
    } named;
    const mpijob_field fields[] = {MPIJOB_FIELD_STRING(named, name)};
    const mpijob_record record = MPIJOB_RECORD_OF(named, fields);
    const mpijob_type type = mpijob_type_record(&record), none = mpijob_type_of(99);
    mpj_dtype copy;
    mpijob_error err;
    ck_assert_int_eq(mpj_dtype_copy(&copy, &type, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(copy.byte_order, '|');
    mpj_dtype_free(&copy);
    ck_assert_int_eq(mpj_dtype_copy(&copy, &type, 1, &err), MPIJOB_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "struct 'named' has strings or pointers"));
    ck_assert_int_eq(mpj_dtype_copy(&copy, &none, 0, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_dtype_copy(&copy, NULL, 0, &err), MPIJOB_EINVAL);
}
END_TEST

START_TEST(text_is_cut_to_fit)
{
    static const char list[] = "[[\"a\", \"<f8\"], [\"gr\u00f6\u00dfe\", \"<i4\", [3]]]", scalar[] = "<M8[ns]";
    json_t *values[] = {from_json(list), json_string(scalar)};
    const char *const whole[] = {list, scalar};
    for (int v = 0; v < 2; v++) {
        for (size_t room = 1; room <= strlen(whole[v]) + 1; room++) {
            char *text = malloc(room);
            mpj_dtype_text(text, room, values[v]);
            size_t length = strlen(text);
            ck_assert_int_eq(strncmp(text, whole[v], length), 0);
            ck_assert_uint_ge(length + 2, room); /* at most a character of two bytes is missing */
            ck_assert_int_ne((unsigned char)whole[v][length] & 0xC0, 0x80);
            free(text);
        }
        json_decref(values[v]);
    }
    char untouched = 'x';
    mpj_dtype_text(&untouched, 0, NULL);
    ck_assert_int_eq(untouched, 'x');
}
END_TEST

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

/* Many fields, so that names are sorted and more than one block is needed; and some of every form. */
static json_t *large_descr(void)
{
    json_t *descr = from_json(outer_padded);
    for (int i = 0; i < 150; i++)
        json_array_append_new(descr,
                              json_pack("[o, s, [i]]", json_sprintf("field%d", i), i % 2 ? ">f8" : "<U7", i + 1));
    return descr;
}

/* Returns how many allocations there were. */
static uint64_t fail_each_allocation(const json_t *descr)
{
    static const mpj_dtype zero;
    failing f = failing_begin();
    while (failing_next(&f)) {
        mpj_dtype dtype, copy = zero;
        mpijob_error err = {0};
        json_t *again = NULL;
        int status = mpj_dtype_parse(&dtype, descr, "x.npy", &err);
        if (status == MPIJOB_OK)
            status = mpj_dtype_copy(&copy, &dtype.type, 1, &err);
        if (status == MPIJOB_OK)
            again = mpj_dtype_descr(&dtype.type, 1);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (status == MPIJOB_ENOMEM && f.failed), "%s", err.text);
        ck_assert_int_eq(err.status, status);
        if (status != MPIJOB_OK)
            ck_assert_mem_eq(&copy, &zero, sizeof copy);
        if (!f.failed)
            ck_assert_ptr_nonnull(again);
        json_decref(again);
        mpj_dtype_free(&copy);
        mpj_dtype_free(&dtype);
    }
    return f.n;
}

START_TEST(every_allocation_may_fail)
{
    json_set_alloc_funcs(mpj_alloc, mpj_free);
    json_t *large = large_descr(), *scalar = json_string("<f8"), *opaque = json_string("<f2");
    ck_assert_uint_gt(fail_each_allocation(large), 400);
    ck_assert_uint_gt(fail_each_allocation(scalar), 3);
    ck_assert_uint_gt(fail_each_allocation(opaque), 3);
    json_decref(large);
    json_decref(scalar);
    json_decref(opaque);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dtype");
    TCase *group = tcase_create("dtype");
    tcase_add_loop_test(group, scalars_are_understood, 0, UNIT_COUNT(scalars));
    tcase_add_loop_test(group, structs_are_understood, 0, UNIT_COUNT(structs));
    tcase_add_loop_test(group, anything_else_is_an_error, 0, UNIT_COUNT(bad));
    tcase_add_test(group, nesting_and_names_are_limited);
    tcase_add_test(group, structs_are_described);
    tcase_add_loop_test(group, scalars_are_described, 0, UNIT_COUNT(scalars));
    tcase_add_test(group, copies_are_padded_or_packed);
    tcase_add_test(group, what_has_no_copy);
    tcase_add_test(group, text_is_cut_to_fit);
    tcase_add_test(group, every_allocation_may_fail);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
