# Finds MPI, and how its launcher wants to be called. Open MPI and MPICH are known; any other is used as MPICH is.
# With MPICH on a Debian that has both: -DMPI_C_COMPILER=mpicc.mpich -DMPIEXEC_EXECUTABLE=mpirun.mpich

find_package(MPI REQUIRED COMPONENTS C)

# The place of what may have been given as a name alone; not what links lead to, since wrappers go by their own name.
if(IS_ABSOLUTE "${MPI_C_COMPILER}")
    set(MPIJOB_MPI_C_COMPILER ${MPI_C_COMPILER})
elseif(MPI_C_COMPILER)
    find_program(MPIJOB_MPI_C_COMPILER NAMES ${MPI_C_COMPILER} NO_CACHE)
endif()

include(CheckSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_C)
check_symbol_exists(OPEN_MPI mpi.h MPIJOB_MPI_IS_OPENMPI)
unset(CMAKE_REQUIRED_LIBRARIES)

if(NOT MPIEXEC_EXECUTABLE)
    message(FATAL_ERROR "no mpirun was found; name it with -DMPIEXEC_EXECUTABLE=...")
endif()
execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE launcher_version ERROR_QUIET)
if(launcher_version MATCHES "Open MPI|OpenRTE|PRRTE")
    set(launcher openmpi)
else()
    set(launcher mpich)
endif()
set(MPIJOB_LAUNCHER ${launcher} CACHE INTERNAL "openmpi or mpich: how MPIEXEC_EXECUTABLE is called")

# Under the launcher of another MPI every process would be a run of one rank, and tests would pass that tested nothing.
if((MPIJOB_MPI_IS_OPENMPI AND NOT launcher STREQUAL openmpi) OR (NOT MPIJOB_MPI_IS_OPENMPI AND launcher STREQUAL openmpi))
    message(FATAL_ERROR "${MPIEXEC_EXECUTABLE} is not the launcher of the MPI library found "
                        "(${MPI_C_LIBRARIES}); name the right one with -DMPIEXEC_EXECUTABLE=... "
                        "(Debian: mpirun.openmpi, mpirun.mpich)")
endif()
