/* Questions of a run to the store thread, and its answers. */
#ifndef MPJ_MPI_MAILBOX_H
#define MPJ_MPI_MAILBOX_H

#include "memory/store.h"
#include "mpi/clerk.h"

#include <mpijob/function.h>

#define MPJ_QUESTION_JOBS 512

/* Some jobs of a run that are looked up together. */
typedef struct mpj_question mpj_question;

typedef struct mpj_answer {
    uint64_t index;
    bool found;
    double seconds; /* found: how long it took to compute; else what was recorded of another version, < 0: nothing */
    size_t offset;  /* of the result in the answers' data ... */
    uint64_t bytes; /* ... and how long it is */
} mpj_answer;

/* Answers in the order of the questions. */
typedef struct mpj_answers {
    struct mpj_answers *next;
    mpj_answer *list;
    size_t count;
    unsigned char *data;
    size_t data_bytes;
    uint32_t round; /* the mailbox's */
} mpj_answers;

typedef struct mpj_mailbox mpj_mailbox;

/* Of runs over this function, for as long as there are questions. NULL: no memory. */
mpj_mailbox *mpj_mailbox_open(const mpijob_cached *cached, bool shelve);
/* Questions that are not begun are dropped, answers too. */
void mpj_mailbox_close(mpj_mailbox *mail, mpj_clerk *clerk);

/* NULL: no memory. */
mpj_question *mpj_question_new(mpj_mailbox *mail);
bool mpj_question_is_empty(const mpj_question *question);
/* Whether there is no room for another one. */
bool mpj_question_add(mpj_question *question, uint64_t index, const mpj_name *name);
/* It is the store thread's from here on. -1: that cannot be; the question is dropped. */
int mpj_question_ask(mpj_question *question, mpj_clerk *clerk);
/* It is never asked. NULL is allowed. */
void mpj_question_drop(mpj_question *question);

/* What was asked so far is given up: its answers, which may come all the same, are late. */
void mpj_mailbox_give_up(mpj_mailbox *mail);
bool mpj_mailbox_is_late(const mpj_mailbox *mail, const mpj_answers *answers);

/* Grows with each look-up: whether the store thread gets anywhere. */
uint64_t mpj_mailbox_beats(const mpj_mailbox *mail);

/* The store thread looks what other processes stored, if that pays: nothing, while it is still to do so. */
void mpj_mailbox_watch(mpj_mailbox *mail, mpj_clerk *clerk);
/* Takes what it has learned so: keys of entries, which are the caller's then; 0: nothing. */
size_t mpj_mailbox_news(mpj_mailbox *mail, mpijob_digest **keys);

/* The oldest answers, or NULL. Release them. */
mpj_answers *mpj_mailbox_take(mpj_mailbox *mail);
void mpj_answers_free(mpj_answers *answers);

#endif
