/* slow_jobs FOLDER JOBS MILLISECONDS [handler]: that many jobs of that length; for the script `signals`. In the folder
 * each rank leaves its process id, `busy` with its first job, and in `said.RANK` how it ended. With `handler`, SIGTERM
 * asks the run to stop; the exit status is then 75, on which a job script can start again. */
#include <mpijob.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_AGAIN 75

static const char *folder;
static int rank;
static int started, finished;
static long milliseconds;

static void on_signal(int number)
{
    (void)number;
    mpijob_request_stop();
}

static FILE *leave(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s.%d", folder, name, rank);
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    return file;
}

static int doze(void *result, const void *args, mpijob_job *job)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)result, (void)args, (void)job;
    if (started++ == 0)
        fclose(leave("busy"));
    while (nanosleep(&left, &left) != 0)
        continue;
    finished++;
    return 0;
}

int main(int argc, char **argv)
{
    mpijob_error err = {.text = "nothing"};
    if (argc < 4)
        return 2;
    if (argc > 4) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        sigaction(SIGTERM, &action, NULL);
    }
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK)
        return 2;
    folder = argv[1];
    milliseconds = atol(argv[3]);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *file = leave("pid");
    fprintf(file, "%ld\n", (long)getpid());
    fclose(file);

    const mpijob_function function = {.name = "doze", .call = doze};
    mpijob_inputs inputs = mpijob_range(strtoull(argv[2], NULL, 10));
    int status = mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, NULL, &err);

    file = leave("said");
    fprintf(file, "%d %d %d: %s\n", status, started, finished, err.text);
    fclose(file);
    if (mpijob_finalize(NULL) != MPIJOB_OK)
        return 3;
    return status == MPIJOB_ECANCELED ? START_AGAIN : status != MPIJOB_OK;
}
