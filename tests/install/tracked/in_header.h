#include <mpijob/track.h>

static const mpijob_source source = MPIJOB_SOURCE("main");
