/* make_store_1 FOLDER: makes the store that stands in tests/data/store-1, but for names and times. */
#include "store_1.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_store_1 FOLDER\n");
        return 2;
    }
    store_1_make(argv[1]);
    return 0;
}
