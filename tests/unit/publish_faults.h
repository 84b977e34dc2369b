/* System calls of publishing that a test counts, makes fail, or dies at: the linker leads the library's calls here
 * (-Wl,--wrap), so that nothing of it is in the library. */
#ifndef MPJ_TESTS_PUBLISH_FAULTS_H
#define MPJ_TESTS_PUBLISH_FAULTS_H

typedef struct publish_faults {
    int no_exchange;     /* renameat2 fails with this errno, as on file systems that have no RENAME_EXCHANGE */
    int occupied;        /* errno of a rename onto a folder that is not empty, 0: the system's own (ENOTEMPTY) */
    int sync_errno;      /* fsync fails with it, */
    int syncs_before;    /* after so many that succeed */
    int syncs;           /* how many there were */
    int rename_errno;    /* renames fail with it, */
    int renames_before;  /* after so many that succeed, */
    int renames_failing; /* so many times */
    int answer_lost;     /* so many renames happen, but say ENOENT: asked again by a client that heard no answer */
    long calls;          /* that change something */
    long die_at;         /* the process kills itself instead of making this call, from 1; 0: never */
    void (*after_rename)(const char *from,
                         const char *to); /* called once, after the next good rename to an "old" name */
} publish_faults;

extern publish_faults faults;

#endif
