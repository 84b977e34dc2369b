# Headers, libraries, the CMake package (components core and mpi) and the pkg-config files.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mpijob)

foreach(header IN LISTS public_headers)
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${include_dir} OUTPUT_VARIABLE relative)
    cmake_path(GET relative PARENT_PATH folder)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()

# One export a component, so that find_package(mpijob COMPONENTS core) does not look for MPI.
function(install_component target export_name)
    install(TARGETS ${target} EXPORT ${export_name})
    install(EXPORT ${export_name} NAMESPACE mpijob:: DESTINATION ${package_dir})
endfunction()
install_component(mpijob_core mpijob-core-targets)
if(MPIJOB_MPI)
    install_component(mpijob mpijob-mpi-targets)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mpijob-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/mpijob-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/mpijob-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mpijob-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/mpijob-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/MpijobTrack.cmake
        DESTINATION ${package_dir})

# pkg-config: what MPI needs is written out, since its own .pc files are named differently everywhere.
function(absolute_install_dir out dir)
    cmake_path(IS_ABSOLUTE dir absolute)
    if(absolute)
        set(${out} ${dir} PARENT_SCOPE)
    else()
        set(${out} "\${prefix}/${dir}" PARENT_SCOPE)
    endif()
endfunction()
absolute_install_dir(PC_LIBDIR ${CMAKE_INSTALL_LIBDIR})
absolute_install_dir(PC_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
set(PC_MPI_CFLAGS "")
foreach(dir IN LISTS MPI_C_INCLUDE_DIRS)
    string(APPEND PC_MPI_CFLAGS " -I${dir}")
endforeach()
string(JOIN " " PC_MPI_LIBS ${MPI_C_LIBRARIES})

function(install_pc name)
    configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc.configured @ONLY)
    # The prefix is known only when installing: cmake --install may be given another one.
    install(CODE "
        file(READ \"${CMAKE_CURRENT_BINARY_DIR}/${name}.pc.configured\" text)
        string(REPLACE \"%PREFIX%\" \"\${CMAKE_INSTALL_PREFIX}\" text \"\${text}\")
        file(WRITE \"${CMAKE_CURRENT_BINARY_DIR}/${name}.pc\" \"\${text}\")")
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
install_pc(mpijob_core)
if(MPIJOB_MPI)
    install_pc(mpijob)
endif()
