#include "mpi/outbox.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mpi/agree.h"

mpj_letter *mpj_outbox_letter(mpj_outbox *outbox)
{
    mpj_letter *letter = outbox->spare;
    if (letter) {
        outbox->spare = letter->next;
        return letter;
    }
    letter = mpj_alloc(sizeof *letter);
    if (letter) {
        letter->head = (mpj_transfer){0};
        letter->args = (mpj_transfer){0};
        letter->owned = NULL;
    }
    return letter;
}

void mpj_outbox_discard(mpj_outbox *outbox, mpj_letter *letter)
{
    mpj_free(letter->owned);
    letter->owned = NULL;
    letter->next = outbox->spare;
    outbox->spare = letter;
}

/* *left: whether nothing of it is on its way any more. */
static int test_letter(mpj_letter *letter, bool *left, mpijob_error *err)
{
    bool args_left = true;
    int status = mpj_transfer_test(&letter->head, left, err);
    if (status == MPIJOB_OK)
        status = mpj_transfer_test(&letter->args, &args_left, err);
    *left = *left && args_left;
    return status;
}

int mpj_outbox_post(mpj_outbox *outbox, mpj_letter *letter, size_t bytes, const void *args, size_t args_bytes, int to,
                    mpijob_error *err)
{
    int status = args ? mpj_transfer_prepare(&letter->args, args_bytes, err) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_transfer_send(&letter->head, letter->message, bytes, to, MPJ_TAG_TO_WORKER, outbox->comm, err);
    if (status == MPIJOB_OK && args &&
        mpj_transfer_send(&letter->args, args, args_bytes, to, MPJ_TAG_ARGS, outbox->comm, err) != MPIJOB_OK)
        mpj_abort(outbox->comm, err); /* its head is sent: the worker waits for it */
    bool left = false;
    if (status == MPIJOB_OK)
        status = test_letter(letter, &left, err);
    if (left) {
        mpj_outbox_discard(outbox, letter);
        return status;
    }
    letter->next = outbox->leaving;
    outbox->leaving = letter;
    return status;
}

int mpj_outbox_test(mpj_outbox *outbox, mpijob_error *err)
{
    for (mpj_letter **at = &outbox->leaving; *at;) {
        mpj_letter *letter = *at;
        bool left = false;
        int status = test_letter(letter, &left, err);
        if (status != MPIJOB_OK)
            return status;
        if (left) {
            *at = letter->next;
            mpj_outbox_discard(outbox, letter);
        } else {
            at = &letter->next;
        }
    }
    return MPIJOB_OK;
}

void mpj_outbox_free(mpj_outbox *outbox)
{
    while (outbox->spare) {
        mpj_letter *next = outbox->spare->next;
        mpj_free(outbox->spare);
        outbox->spare = next;
    }
}
