/* Hashing one struct. */
#include "data/hash.h"

#include "base/error.h"

static int check_record(const void *value, const mpijob_record *record, mpijob_error *err)
{
    if (value == NULL || record == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is NULL", value == NULL ? "the struct" : "its description");
    mpijob_type type = mpijob_type_record(record);
    return mpijob_type_check(&type, err);
}

int mpijob_hash_record(mpijob_digest *digest, const void *value, const mpijob_record *record, mpijob_error *err)
{
    mpj_hash_stream stream;
    if (digest == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "digest is NULL");
    int status = check_record(value, record, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_type type = mpijob_type_record(record);
    mpj_hash_stream_init(&stream, err);
    mpj_hash_header_record(&stream.outer, record);
    mpj_hash_values(&stream, &type, value, 1);
    status = mpj_hash_stream_digest(digest, &stream);
    mpj_hash_stream_dispose(&stream);
    return status;
}
