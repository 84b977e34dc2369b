/** @file
 * The part of mpijob that needs no MPI (link with mpijob_core).
 */
#ifndef MPIJOB_CORE_H
#define MPIJOB_CORE_H

#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/function.h>
#include <mpijob/hash.h>
#include <mpijob/log.h>
#include <mpijob/memory.h>
#include <mpijob/random.h>
#include <mpijob/store.h>
#include <mpijob/type.h>
#include <mpijob/version.h>

#endif
