#include "../fit.h"

MPIJOB_TRACK_THIS_FILE;

/* this is the inner file */
static const mpijob_source source = MPIJOB_SOURCE(NULL);

const mpijob_source *inner_source(void)
{
    return &source;
}
