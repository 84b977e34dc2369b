#include <mpijob/version.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *mpijob_version(void)
{
    return TEXT(MPIJOB_VERSION_MAJOR) "." TEXT(MPIJOB_VERSION_MINOR) "." TEXT(MPIJOB_VERSION_PATCH);
}
