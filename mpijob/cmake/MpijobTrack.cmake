# mpijob_track_sources(TARGET): puts the text of the target's C and C++ sources into the target, for MPIJOB_SOURCE
# (mpijob/track.h). Call it behind the last add_executable, add_library or target_sources that names a source of the target, in
# any folder. Texts are taken when building: an edited source is taken again.
#
# Each source has its text under a name made of its absolute path, in one object of the target; which name it is, the source
# learns by a definition of its own. So no name of a file is looked for at run time.

function(_mpijob_track_path out target source)
    foreach(kind SOURCE_DIR BINARY_DIR)
        get_target_property(folder ${target} ${kind})
        cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder} NORMALIZE OUTPUT_VARIABLE path)
        get_source_file_property(generated ${path} TARGET_DIRECTORY ${target} GENERATED)
        if(EXISTS ${path} OR generated)
            set(${out} ${path} PARENT_SCOPE)
            return()
        endif()
    endforeach()
    message(FATAL_ERROR "mpijob_track_sources(${target}): there is no source '${source}'")
endfunction()

# One text, as assembly in a C string: both have their own backslashes and quotes. Weak, since an object library and the
# target that it goes into may both have it.
function(_mpijob_track_entry out symbol path)
    set(text "${path}")
    foreach(turn 1 2)
        string(REPLACE "\\" "\\\\" text "${text}")
        string(REPLACE "\"" "\\\"" text "${text}")
    endforeach()
    string(CONCAT entry "__asm__(\".pushsection .rodata.mpijob_track.${symbol},\\\"a\\\",%progbits\\n\"\n"
                        "        \".weak ${symbol}\\n.hidden ${symbol}\\n.type ${symbol},%object\\n${symbol}:\\n\"\n"
                        "        \".incbin \\\"${text}\\\"\\n.byte 0\\n.size ${symbol},.-${symbol}\\n.popsection\\n\");\n")
    set(${out} "${entry}" PARENT_SCOPE)
endfunction()

function(mpijob_track_sources target)
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    get_target_property(sources ${target} SOURCES)
    get_target_property(binary_dir ${target} BINARY_DIR)
    set(extension cc)
    if(C IN_LIST languages)
        set(extension c)
    endif()
    set(tracked "")
    set(content "/* Made by mpijob_track_sources. */\ntypedef int mpijob_track_${extension};\n")
    foreach(source IN LISTS sources)
        if(NOT source MATCHES "\\.(c|C|cc|cpp|cxx|c\\+\\+)$" OR source MATCHES "\\$<")
            continue()
        endif()
        _mpijob_track_path(path ${target} ${source})
        string(SHA1 symbol "${path}")
        set(symbol mpijob_text_${symbol})
        _mpijob_track_entry(entry ${symbol} "${path}")
        string(APPEND content "${entry}")
        list(APPEND tracked ${path})
        # A target that shares the source and is not tracked itself has no such text.
        set_property(SOURCE ${path} TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_DEFINITIONS
                     $<$<BOOL:$<TARGET_PROPERTY:MPIJOB_TRACKED>>:MPIJOB_TRACKED_TEXT=${symbol}>)
    endforeach()
    if(NOT tracked)
        message(FATAL_ERROR "mpijob_track_sources(${target}): it has no C or C++ sources yet")
    endif()

    set(texts ${binary_dir}/mpijob-track-${target}.${extension})
    file(CONFIGURE OUTPUT ${texts} CONTENT "${content}" @ONLY)
    target_sources(${target} PRIVATE ${texts})
    set_source_files_properties(${texts} TARGET_DIRECTORY ${target} PROPERTIES OBJECT_DEPENDS "${tracked}"
                                COMPILE_OPTIONS "-fno-lto" SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
    set_target_properties(${target} PROPERTIES MPIJOB_TRACKED ON)
endfunction()
