/* Linked into test programs under the address and the thread sanitizer, and exported: plug-ins of the MPI library stay
 * loaded, so that a report at the end of the program can name their functions, and suppressions find them. */
#include <dlfcn.h>

__attribute__((visibility("default"))) int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
