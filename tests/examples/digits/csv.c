#include "digits/csv.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/** The place in the file, and where to complain. */
struct reader {
    const char *path;
    int line;
    int capacity; /* samples that there is room for */
    struct problem *problem;
};

static int count_fields(const char *line)
{
    int count = 1;
    for (; *line; line++)
        count += *line == ',';
    return count;
}

/* strtod takes white space, hexadecimal numbers and "nan"; a data file that has them is damaged. */
static int parse_number(double *number, const char **at, const struct reader *reader)
{
    size_t length = strcspn(*at, ",");
    char *end;
    *number = strtod(*at, &end);
    if (length > 0 && end == *at + length && strspn(*at, "0123456789+-.eE") >= length && isfinite(*number)) {
        *at = end + (*end == ',');
        return 0;
    }
    int shown = length < 40 ? (int)length : 40;
    return problem_say(reader->problem, "%s, line %d: '%.*s' is not a number; correct or remove the line", reader->path,
                       reader->line, shown, *at);
}

static int parse_label(int *label, const char **at, const struct reader *reader)
{
    double number;
    if (parse_number(&number, at, reader) != 0)
        return -1;
    if (number != floor(number) || fabs(number) > INT_MAX)
        return problem_say(reader->problem,
                           "%s, line %d: the label, %g, is not a whole number; correct the last column", reader->path,
                           reader->line, number);
    *label = (int)number;
    return 0;
}

static int grow(struct csv *csv, struct reader *reader)
{
    if (csv->samples < reader->capacity)
        return 0;
    int capacity = reader->capacity ? reader->capacity * 2 : 256;
    double *values = realloc(csv->values, (size_t)capacity * (size_t)csv->features * sizeof *values);
    if (values)
        csv->values = values;
    int *labels = realloc(csv->labels, (size_t)capacity * sizeof *labels);
    if (labels)
        csv->labels = labels;
    if (!values || !labels)
        return problem_say(reader->problem, "%s, line %d: no memory for so many samples", reader->path, reader->line);
    reader->capacity = capacity;
    return 0;
}

static int check_width(struct csv *csv, const char *line, const struct reader *reader)
{
    int features = count_fields(line) - 1;
    if (features < 1)
        return problem_say(reader->problem,
                           "%s, line %d: one number only; needed are a sample's numbers and its label, "
                           "with commas between them",
                           reader->path, reader->line);
    if (csv->features == 0)
        csv->features = features;
    if (features != csv->features)
        return problem_say(reader->problem,
                           "%s, line %d: %d numbers, where the lines before have %d; correct or remove "
                           "the line",
                           reader->path, reader->line, features + 1, csv->features + 1);
    return 0;
}

static int parse_line(struct csv *csv, const char *line, struct reader *reader)
{
    if (*line == '\0')
        return problem_say(reader->problem, "%s, line %d: the line is empty; remove it", reader->path, reader->line);
    if (check_width(csv, line, reader) != 0 || grow(csv, reader) != 0)
        return -1;
    double *values = csv->values + (size_t)csv->samples * (size_t)csv->features;
    for (int f = 0; f < csv->features; f++)
        if (parse_number(&values[f], &line, reader) != 0)
            return -1;
    if (parse_label(&csv->labels[csv->samples], &line, reader) != 0)
        return -1;
    csv->samples++;
    return 0;
}

static int parse_text(struct csv *csv, char *text, struct reader *reader)
{
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        reader->line++;
        if (parse_line(csv, line, reader) != 0)
            return -1;
        line = next;
    }
    if (csv->samples == 0)
        return problem_say(reader->problem, "%s: the file is empty; needed is a line for each sample", reader->path);
    return 0;
}

/* The whole file at once: a line may have any length. NULL: no memory. */
static char *slurp(gzFile file, size_t *bytes)
{
    size_t capacity = 1 << 20;
    size_t used = 0;
    char *text = malloc(capacity);
    while (text) {
        int got = gzread(file, text + used, (1 << 20) - 1);
        if (got <= 0)
            break;
        used += (size_t)got;
        if (capacity - used >= 1 << 20)
            continue;
        char *grown = realloc(text, capacity *= 2);
        if (!grown)
            free(text);
        text = grown;
    }
    if (text)
        text[used] = '\0';
    *bytes = used;
    return text;
}

/* A file that was cut short is reported by gzclose_r, and by nothing else. */
static int close_checked(gzFile file, const struct reader *reader)
{
    int status;
    const char *why = gzerror(file, &status);
    if (status == Z_ERRNO)
        problem_say(reader->problem, "%s: %s", reader->path, strerror(errno));
    else if (status != Z_OK && status != Z_BUF_ERROR)
        problem_say(reader->problem, "%s: damaged gzip file: %s; fetch it again", reader->path, why);
    int closed = gzclose_r(file);
    if (closed == Z_BUF_ERROR)
        problem_say(reader->problem, "%s: the gzip file ends too early; fetch it again", reader->path);
    return status == Z_OK && closed == Z_OK ? 0 : -1;
}

int csv_read(struct csv *csv, const char *path, struct problem *problem)
{
    struct reader reader = {.path = path, .problem = problem};
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return problem_say(problem, "%s: %s; name a data file with --data", path,
                           errno ? strerror(errno) : "no memory");
    size_t bytes;
    char *text = slurp(file, &bytes);
    int status = close_checked(file, &reader);
    if (status == 0 && !text)
        status = problem_say(problem, "%s: no memory for its text", path);
    if (status == 0 && strlen(text) != bytes)
        status = problem_say(problem, "%s: has zero bytes, so it is not text; needed are numbers with commas", path);
    if (status == 0)
        status = parse_text(csv, text, &reader);
    free(text);
    return status;
}

void csv_free(struct csv *csv)
{
    free(csv->values);
    free(csv->labels);
    csv->values = NULL;
    csv->labels = NULL;
    csv->samples = 0;
    csv->features = 0;
}
