# The man pages, made from the public headers' comments and from what the program says of itself. (A program for another
# machine than this one cannot be asked: then it has no pages.)

find_program(PERL_EXECUTABLE perl)
if(MPIJOB_MAN AND NOT PERL_EXECUTABLE)
    message(WARNING "perl was not found: no man pages (MPIJOB_MAN=OFF says so without this warning)")
endif()
if(MPIJOB_MAN AND PERL_EXECUTABLE)
    set(MPIJOB_MAN_DIR ${PROJECT_BINARY_DIR}/man)
    set(manpages ${PROJECT_SOURCE_DIR}/scripts/manpages)
    set(ask_program "")
    if(NOT CMAKE_CROSSCOMPILING)
        set(ask_program --program $<TARGET_FILE:mpijob_program>)
    endif()
    add_custom_command(
        OUTPUT ${MPIJOB_MAN_DIR}.stamp
        COMMAND ${PERL_EXECUTABLE} ${manpages} --version ${PROJECT_VERSION} --include ${include_dir} --out ${MPIJOB_MAN_DIR}
                ${ask_program} ${public_headers}
        COMMAND ${CMAKE_COMMAND} -E touch ${MPIJOB_MAN_DIR}.stamp
        DEPENDS ${public_headers} ${manpages} mpijob_program
        COMMENT "Making the man pages"
        VERBATIM)
    add_custom_target(man ALL DEPENDS ${MPIJOB_MAN_DIR}.stamp)
    install(DIRECTORY ${MPIJOB_MAN_DIR}/ DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT man)
endif()
