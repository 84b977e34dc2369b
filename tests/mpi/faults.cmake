# What goes wrong, on whichever rank.
set(fault_suites
    test_bad_options
    test_callbacks_fail
    test_job_failure
    test_memory_faults)
foreach(suite IN LISTS fault_suites)
    mpijob_mpi_test(${suite} RANKS 1 2 3 5 SOURCES suite.c SECONDS 300)
endforeach()

# MPI is started and ended by the library, or by the program.
mpijob_mpi_test(test_before_after RANKS 1 2 SOURCES suite.c)
mpijob_run_test(mpi.test_before_after_plain TARGET mpi_test_before_after RANKS 1 2 ARGS plain LABELS mpi)

mpijob_run_test(long.memory_faults TARGET mpi_test_memory_faults RANKS 3 5 ARGS whole SECONDS 900 LABELS long)

# Programs that scripts launch: what they do includes not to end well.
foreach(program memory_kill mpi_fault slow_jobs stress)
    mpijob_test_program(${program} ${program}.c)
    target_link_libraries(${program} PRIVATE mpijob_testing)
endforeach()
mpijob_test_program(memory_fault memory_fault.c faulty_files.c)
target_link_libraries(memory_fault PRIVATE mpijob_testing ${CMAKE_DL_LIBS})
set(launcher ${MPIEXEC_EXECUTABLE})
if(MPIJOB_LAUNCHER STREQUAL openmpi)
    list(APPEND launcher --oversubscribe)
endif()
mpijob_script_test(mpi.mpi_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpi-faults $<TARGET_FILE:mpi_fault> 2 ${launcher}
                   SECONDS 1200 LABELS mpi)
mpijob_script_test(long.mpi_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpi-faults $<TARGET_FILE:mpi_fault> 70 ${launcher}
                   SECONDS 3000 LABELS long)
mpijob_script_test(mpi.signals COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/signals $<TARGET_FILE:slow_jobs> ${launcher}
                   SECONDS 600 LABELS mpi)

# Memory: kill -9, and what can be wrong with a location.
mpijob_script_test(mpi.memory_kills COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/memory-kills $<TARGET_FILE:memory_kill> 20 random
                   ${launcher} -n 3 SECONDS 900 LABELS mpi)
mpijob_script_test(long.memory_kills COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/memory-kills $<TARGET_FILE:memory_kill> 200 random
                   ${launcher} -n 3 SECONDS 3000 LABELS long)

# One that gives up its rights in the middle of it is more than MPICH's shared memory bears.
if(MPIJOB_LAUNCHER STREQUAL openmpi)
    mpijob_script_test(mpi.memory_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/memory-faults $<TARGET_FILE:memory_fault> some
                       ${launcher} SECONDS 600 LABELS mpi)
    mpijob_script_test(long.memory_faults_of_files COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/memory-faults
                       $<TARGET_FILE:memory_fault> all ${launcher} SECONDS 900 LABELS long)
endif()

# Random runs; a seed that goes wrong is printed.
mpijob_run_test(mpi.stress TARGET stress RANKS 1 2 3 5 ARGS 1 60 SECONDS 300 LABELS mpi)
# Jobs long enough for the helper thread of rank 0 to be at work.
mpijob_run_test(mpi.stress_long_jobs TARGET stress RANKS 2 3 ARGS 1 25 8000 SECONDS 300 LABELS mpi)
mpijob_run_test(long.stress TARGET stress RANKS 2 3 8 32 ARGS 1000 1000 SECONDS 900 LABELS long)
