#ifndef FIT_H
#define FIT_H

#include <mpijob/track.h>

extern const mpijob_source *outer_source(void);
extern const mpijob_source *inner_source(void);

#endif
