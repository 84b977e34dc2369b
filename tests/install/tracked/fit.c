#include "fit.h"

MPIJOB_TRACK_THIS_FILE;

/* this is the outer file */
static const mpijob_source source = MPIJOB_SOURCE("outer_source");

const mpijob_source *outer_source(void)
{
    return &source;
}
