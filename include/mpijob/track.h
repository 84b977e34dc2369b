/** @file
 * Tracked source: the text of the file in which a function is written goes into the program, so that Memory computes anew
 * when the function is edited, and not when it is only reformatted or commented.
 *
 *     #include <mpijob/track.h>
 *     MPIJOB_TRACK_THIS_FILE;
 *
 *     static int fit_call(void *result, const void *args, mpijob_job *job) { ... }
 *
 *     static const mpijob_source fit_source = MPIJOB_SOURCE("fit_call");
 *     static const mpijob_function fit = {.name = "fit", .call = fit_call, ..., .source = &fit_source};
 *
 * Best with `mpijob_track_sources(TARGET)` in the CMakeLists.txt of the target, behind the last of its sources; it comes with
 * the package of mpijob. It works under all options of the compiler, and MPIJOB_TRACK_THIS_FILE may then stand in the file
 * or not. In other builds MPIJOB_TRACK_THIS_FILE does it alone, in front of the first MPIJOB_SOURCE, by the assembler's .incbin; limits there:
 *
 * - the file's name as the compiler has it (`__FILE__`) must lead to the file: not with -ffile-prefix-map or
 *   -fmacro-prefix-map, #line, or a compiler on another machine than the preprocessor (distcc). A relative name is looked
 *   for in the folder that the compiler is called in, then in the folders of -I. A name with a quote or backslash is refused
 *   by the assembler;
 * - not with -flto (the link then fails): compile the file with -fno-lto;
 * - ccache notices .incbin and does not keep such files.
 *
 * Each of the first three is an error when compiling or linking, but for #line with the name of another file.
 *
 * Write both macros in source files, not in headers. On systems without ELF files, and with other compilers than gcc, clang
 * and those that take their extensions, source is not tracked: MPIJOB_SOURCE has no text then.
 */
#ifndef MPIJOB_TRACK_H
#define MPIJOB_TRACK_H

#include <mpijob/function.h>

#if defined(__GNUC__) && defined(__ELF__)

#ifdef MPIJOB_TRACKED_TEXT /* by mpijob_track_sources: the name of this file's text in an object of its own */

#ifdef __cplusplus
extern "C" {
#endif
extern const char MPIJOB_TRACKED_TEXT[] __attribute__((visibility("hidden")));
#ifdef __cplusplus
}
#endif
#define MPIJOB_TRACK_THIS_FILE struct mpijob_tracked_by_cmake
/* A header would get the text of the file that includes it: refused, by an array of no size. */
#define MPIJOB_TRACKED_HERE(text) (&(text)[0 * sizeof(char[__INCLUDE_LEVEL__ == 0 ? 1 : -1])])
#define MPIJOB_TRACKED_NAME MPIJOB_TRACKED_HERE(MPIJOB_TRACKED_TEXT)

#else

#ifdef __cplusplus
#define MPIJOB_TRACKED_EXTERN extern "C"
#else
#define MPIJOB_TRACKED_EXTERN extern
#endif
/* Declared here and not for all, so that MPIJOB_SOURCE alone does not compile. */
#define MPIJOB_TRACK_THIS_FILE                                                                                         \
    __asm__(".pushsection .rodata.mpijob_track,\"a\",%progbits\n"                                                      \
            ".type mpijob_text_of_this_file,%object\n"                                                                 \
            "mpijob_text_of_this_file:\n"                                                                              \
            ".incbin \"" __FILE__ "\"\n"                                                                               \
            ".byte 0\n"                                                                                                \
            ".size mpijob_text_of_this_file,.-mpijob_text_of_this_file\n"                                              \
            ".popsection\n");                                                                                          \
    MPIJOB_TRACKED_EXTERN const char mpijob_text_of_this_file[] __asm__("mpijob_text_of_this_file")                    \
        __attribute__((visibility("hidden")))
#define MPIJOB_TRACKED_NAME mpijob_text_of_this_file

#endif

#else

#define MPIJOB_TRACK_THIS_FILE struct mpijob_not_tracked
#define MPIJOB_TRACKED_NAME NULL

#endif

/**
 * Initialises a mpijob_source: of the C function of this name (a text) in this file, what it calls not included; NULL: of
 * the file as a whole, so that its static helpers, macros and constants count too.
 *
 * A function whose definition cannot be made out (its header or its braces come out of macros) counts as the whole file, and
 * that is said once.
 */
#define MPIJOB_SOURCE(function_name)                                                                                   \
    {                                                                                                                  \
        __FILE__, MPIJOB_TRACKED_NAME, 0, function_name,                                                               \
        {                                                                                                              \
            0, 0                                                                                                       \
        }                                                                                                              \
    }

#endif
