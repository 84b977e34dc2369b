/* A file system that fails: the functions that the library uses for files, in front of those of the C library. Only what
 * lies below one folder fails; a program that links faulty_files.c has it. */
#ifndef MPJ_TESTS_FAULTY_FILES_H
#define MPJ_TESTS_FAULTY_FILES_H

/* From the call of this kind with this number on (0: the first) they fail with `error`. kind: "read" (opening, reading,
 * listing), "make" (files, folders, names), "write" (bytes, to the disk), "all". 0: there is no such kind. */
int faulty_files_begin(const char *folder, const char *kind, int error, int after);
void faulty_files_end(void);

#endif
