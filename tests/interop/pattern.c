/* Arrays of known values, for comparing files with what numpy and zarr make of them. Reads commands from standard
 * input, one a line, fields separated by tabs, and answers each with a line: "ok", or "no: REASON".
 *
 *     dump   PATH KIND ORDER SHAPE FORMAT LEVEL CODEC SHUFFLE CHUNKS     writes the pattern
 *     check  PATH KIND SHAPE START COUNT MODE                            loads a region, compares it with the pattern
 *     refuse PATH STATUS WORD                                            loading must fail like this
 *     copy   FROM TO KIND                                                loads, must be of that kind, dumps
 *
 * SHAPE, CHUNKS, START, COUNT: numbers with commas, "-" for none. The value of element i (counted in C order) is written
 * down in fill() and once more in interop.py. */
#include <inttypes.h>
#include <math.h>
#include <mpijob/core.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sample {
    int32_t a;
    double b[3];
    char c[4];
    bool d;
    float e[2]; /* complex64 */
} sample;

static const mpijob_field sample_fields[] = {
    MPIJOB_FIELD(sample, a, MPIJOB_INT32),     MPIJOB_FIELD_ARRAY(sample, b, MPIJOB_FLOAT64, double),
    MPIJOB_FIELD(sample, c, MPIJOB_BYTES),     MPIJOB_FIELD(sample, d, MPIJOB_BOOL),
    MPIJOB_FIELD(sample, e, MPIJOB_COMPLEX64),
};
static const mpijob_record sample_record = MPIJOB_RECORD_OF(sample, sample_fields);

typedef struct array_case {
    mpijob_type type;
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
} array_case;

static bool find_type(mpijob_type *type, const char *name)
{
    for (int kind = MPIJOB_BOOL; kind <= MPIJOB_COMPLEX128; kind++)
        if (strcmp(name, mpijob_kind_name(kind)) == 0) {
            *type = mpijob_type_of(kind);
            return true;
        }
    if (strcmp(name, "bytes") == 0)
        *type = mpijob_type_bytes(5);
    else if (strcmp(name, "record") == 0)
        *type = mpijob_type_record(&sample_record);
    else
        return false;
    return true;
}

static int numbers(size_t *out, const char *text)
{
    int n = 0;
    if (strcmp(text, "-") == 0)
        return 0;
    for (char *end = (char *)text - 1; *end != '\0' || n == 0;)
        out[n++] = strtoull(end + 1, &end, 10);
    return n;
}

static double real_value(uint64_t i)
{
    if (i % 97 == 96)
        return NAN;
    if (i % 89 == 88)
        return -INFINITY;
    if (i % 83 == 82)
        return -0.0;
    return (double)(i * 37 % 1000) / 8.0 - 60.0;
}

static void fill_integer(void *out, size_t bytes, uint64_t i)
{
    uint64_t value = i * UINT64_C(2654435761) + 12345;
    memcpy(out, &value, bytes); /* the low bytes: this machine is little-endian, as the tests check */
}

static void fill_bytes(char *out, size_t bytes, uint64_t i)
{
    char text[24];
    memset(out, 0, bytes);
    snprintf(text, sizeof text, "%" PRIu64, i);
    memcpy(out, text, strnlen(text, bytes));
}

static void fill_floats(void *out, size_t part_bytes, size_t parts, uint64_t i)
{
    for (size_t p = 0; p < parts; p++) {
        double wide = real_value(i + 1000 * p);
        float narrow = (float)wide;
        memcpy((char *)out + p * part_bytes, part_bytes == 4 ? (void *)&narrow : (void *)&wide, part_bytes);
    }
}

static void fill(void *out, const mpijob_type *type, uint64_t i)
{
    size_t bytes = mpijob_type_size(type);
    switch (type->kind) {
    case MPIJOB_BOOL:
        *(bool *)out = i % 3 == 0;
        break;
    case MPIJOB_FLOAT32:
    case MPIJOB_FLOAT64:
        fill_floats(out, bytes, 1, i);
        break;
    case MPIJOB_COMPLEX64:
    case MPIJOB_COMPLEX128:
        fill_floats(out, bytes / 2, 2, i);
        break;
    case MPIJOB_BYTES:
        fill_bytes(out, bytes, i);
        break;
    case MPIJOB_RECORD: {
        sample *s = out;
        fill_integer(&s->a, 4, i);
        fill_floats(s->b, 8, 3, i);
        fill_bytes(s->c, 4, i);
        s->d = i % 3 == 0;
        fill_floats(s->e, 4, 2, i);
        break;
    }
    default:
        fill_integer(out, bytes, i);
    }
}

/* NaNs are equal here: their sign is the compiler's choice. */
static bool same(const void *a, const void *b, const mpijob_type *type)
{
    sample x, y;
    if (type->kind != MPIJOB_RECORD) {
        double p, q;
        float f, g;
        size_t bytes = mpijob_type_size(type), parts = type->kind >= MPIJOB_COMPLEX64 ? 2 : 1;
        if (memcmp(a, b, bytes) == 0)
            return true;
        if (type->kind < MPIJOB_FLOAT32 || type->kind > MPIJOB_COMPLEX128)
            return false;
        for (size_t i = 0, part = bytes / parts; i < parts; i++) {
            memcpy(part == 4 ? (void *)&f : (void *)&p, (const char *)a + i * part, part);
            memcpy(part == 4 ? (void *)&g : (void *)&q, (const char *)b + i * part, part);
            bool nan = part == 4 ? isnan(f) && isnan(g) : isnan(p) && isnan(q);
            if (!nan && memcmp((const char *)a + i * part, (const char *)b + i * part, part) != 0)
                return false;
        }
        return true;
    }
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    mpijob_type real = mpijob_type_of(MPIJOB_FLOAT64), complex = mpijob_type_of(MPIJOB_COMPLEX64);
    return x.a == y.a && same(&x.b[0], &y.b[0], &real) && same(&x.b[1], &y.b[1], &real) &&
           same(&x.b[2], &y.b[2], &real) && memcmp(x.c, y.c, sizeof x.c) == 0 && x.d == y.d && same(x.e, y.e, &complex);
}

static size_t count_of(const array_case *c)
{
    size_t n = 1;
    for (int d = 0; d < c->ndim; d++)
        n *= c->shape[d];
    return n;
}

/* ORDER: C, F, or S: a view with gaps between its elements and backwards along the last dimension. */
static void *make_pattern(mpijob_array *array, const array_case *c, char order)
{
    size_t bytes = mpijob_type_size(&c->type), n = count_of(c), step = order == 'S' ? 2 * bytes : bytes;
    char *data = calloc(n + 1, step);
    if (data == NULL)
        abort();
    *array = order == 'F' ? mpijob_array_fortran(data, c->type, c->ndim, c->shape)
                          : mpijob_array_of(data, c->type, c->ndim, c->shape);
    char *first = data;
    if (order == 'S' && n > 0) {
        for (int d = 0; d < c->ndim; d++)
            array->strides[d] *= 2;
        if (c->ndim > 0) {
            first += (ptrdiff_t)(c->shape[c->ndim - 1] - 1) * array->strides[c->ndim - 1];
            array->strides[c->ndim - 1] *= -1;
        }
        array->data = first;
    }
    for (size_t i = 0; i < n; i++) {
        char *at = first;
        size_t rest = i;
        for (int d = c->ndim - 1; d >= 0; d--) {
            at += (ptrdiff_t)(rest % c->shape[d]) * array->strides[d];
            rest /= c->shape[d];
        }
        fill(at, &c->type, i);
    }
    return data;
}

static int command_dump(char **f, char *why, size_t why_bytes)
{
    static const char *const shuffles[] = {"auto", "none", "byte", "bit"};
    array_case c;
    mpijob_array array;
    mpijob_error err = {.text = "?"};
    size_t chunks[MPIJOB_MAX_DIMS];
    mpijob_dump_options options = {.compress = atoi(f[6]), .cache_size_bytes = 1 << 20};
    if (!find_type(&c.type, f[2]))
        return snprintf(why, why_bytes, "kind %s", f[2]), -1;
    c.ndim = numbers(c.shape, f[4]);
    options.format = strcmp(f[5], "npy") == 0 ? MPIJOB_NPY : MPIJOB_ZARR;
    options.codec = strcmp(f[7], "-") == 0 ? NULL : f[7];
    for (int s = 0; s < 4; s++)
        if (strcmp(f[8], shuffles[s]) == 0)
            options.shuffle = s;
    options.chunks = numbers(chunks, f[9]) > 0 ? chunks : NULL;
    options.order = f[3][1]; /* "FF": Fortran, and asked for; "C" and so on: as it is */
    void *data = make_pattern(&array, &c, f[3][0]);
    int status = mpijob_dump(&array, f[1], &options, &err);
    free(data);
    return status == MPIJOB_OK ? 0 : (snprintf(why, why_bytes, "%s", err.text), -1);
}

static int compare(const mpijob_array *array, const array_case *whole, const size_t *start, char *why, size_t why_bytes)
{
    _Alignas(16) char expected[64];
    array_case part = {.type = whole->type, .ndim = array->ndim};
    memcpy(part.shape, array->shape, sizeof part.shape);
    for (size_t i = 0, n = count_of(&part); i < n; i++) {
        const char *at = array->data;
        size_t rest = i, index = 0, scale = 1;
        for (int d = array->ndim - 1; d >= 0; d--) {
            size_t along = rest % array->shape[d];
            at += (ptrdiff_t)along * array->strides[d];
            index += (start[d] + along) * scale;
            scale *= whole->shape[d];
            rest /= array->shape[d];
        }
        memset(expected, 0, sizeof expected);
        fill(expected, &whole->type, index);
        if (!same(at, expected, &whole->type))
            return snprintf(why, why_bytes, "element %zu of the region differs", i), -1;
    }
    return 0;
}

static int command_check(char **f, char *why, size_t why_bytes)
{
    array_case c;
    mpijob_array array;
    mpijob_error err = {.text = "?"};
    mpijob_region region = {0};
    size_t start[MPIJOB_MAX_DIMS] = {0};
    if (!find_type(&c.type, f[2]))
        return snprintf(why, why_bytes, "kind %s", f[2]), -1;
    c.ndim = numbers(c.shape, f[3]);
    region.ndim = numbers(region.start, f[4]);
    numbers(region.count, f[5]);
    memcpy(start, region.start, sizeof start);
    mpijob_load_options options = {.region = region.ndim > 0 ? &region : NULL,
                                   .record = c.type.kind == MPIJOB_RECORD ? &sample_record : NULL,
                                   .mmap_mode = strcmp(f[6], "-") == 0 ? NULL : f[6]};
    if (mpijob_load(&array, f[1], &options, &err) != MPIJOB_OK)
        return snprintf(why, why_bytes, "%s", err.text), -1;
    int result = 0;
    if (array.ndim != c.ndim || array.type.kind != c.type.kind ||
        mpijob_type_size(&array.type) != mpijob_type_size(&c.type))
        result =
            (snprintf(why, why_bytes, "%d dimensions of %s", (int)array.ndim, mpijob_kind_name(array.type.kind)), -1);
    for (int d = 0; d < c.ndim && result == 0; d++)
        if (array.shape[d] != (d < region.ndim ? region.count[d] : c.shape[d]))
            result = (snprintf(why, why_bytes, "dimension %d has %zu", d, array.shape[d]), -1);
    if (result == 0)
        result = compare(&array, &c, start, why, why_bytes);
    mpijob_array_free(&array);
    return result;
}

static int command_refuse(char **f, char *why, size_t why_bytes)
{
    mpijob_array array;
    mpijob_error err = {.text = ""};
    int status = mpijob_load(&array, f[1], NULL, &err);
    if (status == MPIJOB_OK)
        mpijob_array_free(&array);
    if (status == atoi(f[2]) && strstr(err.text, f[3]) != NULL)
        return 0;
    return snprintf(why, why_bytes, "status %d, \"%s\"", status, err.text), -1;
}

static int command_copy(char **f, char *why, size_t why_bytes)
{
    mpijob_array array;
    mpijob_error err = {.text = ""};
    int status = mpijob_load(&array, f[1], NULL, &err);
    if (status == MPIJOB_OK) {
        const char *kind = mpijob_kind_name(array.type.kind);
        int format = strstr(f[2], ".npy") != NULL ? MPIJOB_NPY : MPIJOB_ZARR;
        status = mpijob_dump(&array, f[2], &(mpijob_dump_options){.format = format}, &err);
        mpijob_array_free(&array);
        if (strcmp(kind, f[3]) != 0)
            return snprintf(why, why_bytes, "its kind is %s", kind), -1;
    }
    return status == MPIJOB_OK ? 0 : (snprintf(why, why_bytes, "%s", err.text), -1);
}

int main(void)
{
    static const struct {
        const char *name;
        int fields;
        int (*run)(char **f, char *why, size_t why_bytes);
    } commands[] = {{"dump", 10, command_dump},
                    {"check", 7, command_check},
                    {"refuse", 4, command_refuse},
                    {"copy", 4, command_copy}};
    char line[4096], why[2048];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *f[16];
        int n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *rest = line; rest != NULL && n < 16;)
            f[n++] = strsep(&rest, "\t");
        int result = -1;
        snprintf(why, sizeof why, "unknown command");
        for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++)
            if (strcmp(f[0], commands[c].name) == 0 && n == commands[c].fields)
                result = commands[c].run(f, why, sizeof why);
        if (result == 0)
            puts("ok");
        else
            printf("no: %s\n", why);
        fflush(stdout);
    }
    return 0;
}
