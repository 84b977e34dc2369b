# What goes wrong, on whichever rank.
set(fault_suites
    test_bad_options
    test_callbacks_fail
    test_memory_faults)
foreach(suite IN LISTS fault_suites)
    mpijob_mpi_test(${suite} RANKS 1 2 3 5 SOURCES suite.c SECONDS 120)
endforeach()

# Programs that scripts launch: what they do includes not to end well.
foreach(program mpi_fault)
    mpijob_test_program(${program} ${program}.c)
    target_link_libraries(${program} PRIVATE mpijob_testing)
endforeach()
set(launcher ${MPIEXEC_EXECUTABLE})
if(MPIJOB_LAUNCHER STREQUAL openmpi)
    list(APPEND launcher --oversubscribe)
endif()
mpijob_script_test(mpi.mpi_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpi-faults $<TARGET_FILE:mpi_fault> 2 ${launcher}
                   SECONDS 200 LABELS mpi)
mpijob_script_test(long.mpi_faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/mpi-faults $<TARGET_FILE:mpi_fault> 70 ${launcher}
                   SECONDS 1500 LABELS long)
