#include "cli/array.h"

const char mpj_array_help[] = "usage: mpijob array COMMAND ...\n"
                              "\n"
                              "Array files: NPY files, and Zarr version 2 folders or zip files.\n";

static const mpj_command commands[] = {
    {"mpijob array info", "what is in a file: type, shape, chunks, compressor, sizes", mpj_array_info_help,
     mpj_array_info_main},
    {"mpijob array convert", "from NPY to Zarr and back, to another compressor, level or chunk shape",
     mpj_array_convert_help, mpj_array_convert_main},
    {"mpijob array verify", "read everything, check all checksums", mpj_array_verify_help, mpj_array_verify_main},
    {"mpijob array hash", "the 128-bit digest of an array's type, shape, order and values", mpj_array_hash_help,
     mpj_array_hash_main},
    {NULL, NULL, NULL, NULL},
};

int mpj_array_main(const mpj_command *self, int argc, char **argv)
{
    return mpj_command_dispatch(self, commands, argc, argv);
}
