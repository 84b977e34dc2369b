/** @file
 * Everything of mpijob. Includes mpi.h; a program without MPI includes <mpijob/core.h>.
 */
#ifndef MPIJOB_H
#define MPIJOB_H

#include <mpijob/core.h>
#include <mpijob/parallel.h>
#include <mpijob/rows.h>
#include <mpijob/share.h>
#include <mpijob/start.h>
#include <mpijob/stats.h>

#endif
