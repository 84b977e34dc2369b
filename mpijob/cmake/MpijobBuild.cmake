# How everything here is compiled: build type, language level, warnings, sanitizers, coverage.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

set(MPIJOB_SANITIZERS_KNOWN address undefined thread leak)
foreach(sanitizer IN LISTS MPIJOB_SANITIZE)
    if(NOT sanitizer IN_LIST MPIJOB_SANITIZERS_KNOWN)
        message(FATAL_ERROR "MPIJOB_SANITIZE: '${sanitizer}' is not one of ${MPIJOB_SANITIZERS_KNOWN}")
    endif()
endforeach()

# What every target of this project is compiled with; consumers of the installed package are not.
add_library(mpijob_build INTERFACE)
target_compile_features(mpijob_build INTERFACE c_std_11)
target_compile_definitions(mpijob_build INTERFACE _GNU_SOURCE)
target_compile_options(
    mpijob_build INTERFACE "$<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wstrict-prototypes>"
                           "$<$<BOOL:${MPIJOB_WERROR}>:-Werror>")
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(MPIJOB_SANITIZE)
    list(JOIN MPIJOB_SANITIZE "," sanitize)
    add_compile_options(-fsanitize=${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${sanitize})
endif()
if(MPIJOB_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
    add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(MPIJOB_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()
