/* Names of functions as names of folders. Page: doc/memory.md. */
#ifndef MPJ_MEMORY_ESCAPE_H
#define MPJ_MEMORY_ESCAPE_H

#include <stddef.h>

#define MPJ_ESCAPED_BYTES 201 /* with the zero byte */

/* Different names give different folders, also where case does not count; none is hidden, reserved, "." or "..", or
 * leads elsewhere, or is one that the store uses beside them. Any bytes may be in a name. */
void mpj_escape(char out[MPJ_ESCAPED_BYTES], const char *name);

/* The other way: 0, or -1: the folder is of no function, or of one whose name was too long to be kept in it. `name` has
 * room for MPJ_ESCAPED_BYTES. */
int mpj_unescape(char name[MPJ_ESCAPED_BYTES], const char *escaped);

#endif
