/* mpijob array ... */
#ifndef MPJ_CLI_ARRAY_H
#define MPJ_CLI_ARRAY_H

#include "cli/cli.h"

extern const char mpj_array_help[];
int mpj_array_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_array_info_help[];
int mpj_array_info_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_array_convert_help[];
int mpj_array_convert_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_array_verify_help[];
int mpj_array_verify_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_array_hash_help[];
int mpj_array_hash_main(const mpj_command *self, int argc, char **argv);

#endif
