/* A program without MPI, valid as C11 and as C++. */
#include <mpijob/core.h>
#include <stdio.h>

int main(void)
{
    mpijob_random random;
    mpijob_random_init(&random, 1, 2);
    double number = mpijob_random_double(&random);
    printf("mpijob %s: %s, %g\n", mpijob_version(), mpijob_strerror(MPIJOB_OK), number);
    return number >= 0 && number < 1 ? 0 : 1;
}
