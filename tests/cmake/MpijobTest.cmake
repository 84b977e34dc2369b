# How tests are registered.
#
#   mpijob_unit_test(NAME [SOURCE...])                      tests/unit/NAME.c, a Check suite without MPI
#   mpijob_unit_campaign(NAME SECONDS VARIABLE=VALUE...)    the same suite with more work, as a long test
#   mpijob_mpi_test(NAME RANKS n... [SOURCES file...] [ARGS arg...] [SECONDS s] [LABELS label...])
#                                                           tests/mpi/NAME.c, run at each number of ranks
#   mpijob_run_test(NAME TARGET target RANKS n... [EXPECT file] [ARGS arg...] [SECONDS s] [LABELS label...])
#                                                           a program that is no suite; EXPECT: its standard output
#   mpijob_script_test(NAME COMMAND command... [SECONDS s] [LABELS label...] [SERIAL])
#                                                           a script; exit status 77: skipped
#
# Every test has a limit of its own, SECONDS (180 by default, 240 for a unit suite), which the launcher enforces;
# CTest's is larger, and is met only when the launcher itself hangs. It is there for what hangs, not for what is slow:
# on a busy machine a test takes ten times as long. The label "long" marks what a plain `scripts/test` leaves out.

set(MPIJOB_TEST_SLOWER 1)
if(MPIJOB_SANITIZE)
    set(MPIJOB_TEST_SLOWER 4)
endif()
set(MPIJOB_TEST_ROOT ${CMAKE_CURRENT_LIST_DIR}/..)

# Root is allowed since a container often has no other user. Ranks share cores: they must not be bound to one, and
# have to yield. Single-copy transfers need a right that containers do not give, and a warning would be all they add.
set(MPIJOB_TEST_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none
    OMPI_MCA_mpi_yield_when_idle=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none
    OMPI_MCA_btl_base_warn_component_unused=0
    OMPI_MCA_orte_base_help_aggregate=0)
set(sanitizer_files ${MPIJOB_TEST_ROOT}/sanitizers)
list(APPEND MPIJOB_TEST_ENVIRONMENT
     ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1
     LSAN_OPTIONS=suppressions=${sanitizer_files}/leaks.txt:print_suppressions=0
     UBSAN_OPTIONS=print_stacktrace=1
     TSAN_OPTIONS=suppressions=${sanitizer_files}/threads.txt:ignore_noninstrumented_modules=1:halt_on_error=0:exitcode=66)
if(MPIJOB_SANITIZE)
    # A process for each test would be searched for leaks each time. Scripts leave out what a sanitizer adds nothing to.
    list(APPEND MPIJOB_TEST_ENVIRONMENT CK_FORK=no MPIJOB_TEST_LESS=yes)
endif()

# A program of the tests. Under these sanitizers it keeps plug-ins of MPI loaded, so that reports can be attributed.
function(mpijob_test_program target)
    add_executable(${target} ${ARGN})
    target_link_libraries(${target} PRIVATE mpijob_build)
    if("address" IN_LIST MPIJOB_SANITIZE OR "thread" IN_LIST MPIJOB_SANITIZE)
        target_sources(${target} PRIVATE ${sanitizer_files}/no_dlclose.c)
        set_target_properties(${target} PROPERTIES ENABLE_EXPORTS ON)
    endif()
endfunction()

function(mpijob_test_limits test seconds cores labels)
    math(EXPR seconds "${seconds} + 30")
    set_tests_properties(${test} PROPERTIES TIMEOUT ${seconds} PROCESSORS ${cores} LABELS "${labels}"
                         ENVIRONMENT "${MPIJOB_TEST_ENVIRONMENT}" SKIP_RETURN_CODE 77)
endfunction()

# The command line in front of a program that gets this many ranks and seconds. MPICH's launcher has a limit of its own,
# but then leaves processes behind; when it is told to end, it ends them.
function(mpijob_launch out ranks seconds)
    if(MPIJOB_LAUNCHER STREQUAL openmpi)
        math(EXPR outer "${seconds} + 10")
        set(limit --oversubscribe --timeout ${seconds})
    else()
        set(outer ${seconds})
        set(limit "")
    endif()
    set(${out} timeout --kill-after=10 ${outer} ${MPIEXEC_EXECUTABLE} ${limit} -n ${ranks} PARENT_SCOPE)
endfunction()

function(mpijob_unit_test name)
    mpijob_test_program(unit_${name} ${name}.c ${ARGN})
    set_target_properties(unit_${name} PROPERTIES OUTPUT_NAME ${name})
    target_link_libraries(unit_${name} PRIVATE mpijob_core_testing PkgConfig::CHECK)
    add_test(NAME unit.${name} COMMAND unit_${name})
    math(EXPR seconds "240 * ${MPIJOB_TEST_SLOWER}")
    mpijob_test_limits(unit.${name} ${seconds} 1 unit)
    # Check has a limit of 4 seconds a test, made for a machine with nothing else to do.
    set_property(TEST unit.${name} APPEND PROPERTY ENVIRONMENT CK_DEFAULT_TIMEOUT=${seconds})
endfunction()

# The suite once more, with more work, as a long test. ENVIRONMENT entries say how much.
function(mpijob_unit_campaign name seconds)
    add_test(NAME long.${name} COMMAND unit_${name})
    math(EXPR seconds "${seconds} * ${MPIJOB_TEST_SLOWER}")
    mpijob_test_limits(long.${name} ${seconds} 1 long)
    set_property(TEST long.${name} APPEND PROPERTY ENVIRONMENT CK_DEFAULT_TIMEOUT=${seconds} ${ARGN})
endfunction()

# More threads of control than two ranks make no new race, and cost minutes; so do more than three under the others.
function(mpijob_ranks_to_test out)
    set(ranks ${ARGN})
    if(MPIJOB_SANITIZE AND 2 IN_LIST ranks)
        list(FILTER ranks INCLUDE REGEX "^[123]$")
    endif()
    if("thread" IN_LIST MPIJOB_SANITIZE AND 2 IN_LIST ranks)
        set(ranks 2)
    endif()
    set(${out} ${ranks} PARENT_SCOPE)
endfunction()

function(mpijob_run_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "TARGET;EXPECT;SECONDS" "RANKS;ARGS;LABELS")
    if(NOT arg_TARGET OR NOT arg_RANKS OR arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "mpijob_run_test(${name}): TARGET and RANKS are required; '${arg_UNPARSED_ARGUMENTS}' is unknown")
    endif()
    if(NOT arg_SECONDS)
        set(arg_SECONDS 180)
    endif()
    math(EXPR seconds "${arg_SECONDS} * ${MPIJOB_TEST_SLOWER}")
    set(compare "")
    if(arg_EXPECT)
        set(compare ${MPIJOB_TEST_ROOT}/cmake/same-output ${arg_EXPECT})
    endif()
    mpijob_ranks_to_test(all_ranks ${arg_RANKS})
    foreach(ranks IN LISTS all_ranks)
        mpijob_launch(launch ${ranks} ${seconds})
        add_test(NAME ${name}.${ranks} COMMAND ${compare} ${launch} $<TARGET_FILE:${arg_TARGET}> ${arg_ARGS})
        mpijob_test_limits(${name}.${ranks} ${seconds} ${ranks} "${arg_LABELS}")
    endforeach()
endfunction()

function(mpijob_mpi_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "SECONDS" "RANKS;SOURCES;ARGS;LABELS")
    mpijob_test_program(mpi_${name} ${name}.c ${arg_SOURCES})
    set_target_properties(mpi_${name} PROPERTIES OUTPUT_NAME ${name})
    target_link_libraries(mpi_${name} PRIVATE mpijob_testing PkgConfig::CHECK)
    mpijob_run_test(mpi.${name} TARGET mpi_${name} RANKS ${arg_RANKS} ARGS ${arg_ARGS} SECONDS ${arg_SECONDS}
                    LABELS mpi ${arg_LABELS})
endfunction()

function(mpijob_script_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "SECONDS" "COMMAND;LABELS")
    if(NOT arg_SECONDS)
        set(arg_SECONDS 180)
    endif()
    math(EXPR seconds "${arg_SECONDS} * ${MPIJOB_TEST_SLOWER}")
    add_test(NAME ${name} COMMAND timeout --kill-after=10 ${seconds} ${arg_COMMAND})
    mpijob_test_limits(${name} ${seconds} 1 "${arg_LABELS}")
    if(arg_SERIAL)
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()
