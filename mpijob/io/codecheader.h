/* A Blosc buffer's parts, for the files that make up codec.h. */
#ifndef MPJ_IO_CODECHEADER_H
#define MPJ_IO_CODECHEADER_H

#include "io/codec.h"

#define MPJ_CODEC_HEADER_BYTES 16
#define MPJ_CODEC_MAX_BLOCK_BYTES ((size_t)715827542) /* Blosc's: its scratch memory of three blocks has 31 bits */

/* Is `name` a compressor of this Blosc? */
int mpj_codec_built_in(const char *name);

#endif
