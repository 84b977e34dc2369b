/* Starts and ends, nothing else: what mpirun itself takes, to be subtracted from the time of a whole command. */
#include <mpijob.h>

int main(int argc, char **argv)
{
    if (mpijob_init(&argc, &argv, 0, NULL) != MPIJOB_OK) {
        return 1;
    }
    return mpijob_finalize(NULL) != MPIJOB_OK;
}
