/* Prints what was embedded of each file: the line with "this is" in it, and whether the text is the whole file FILE. */
#include "fit.h"

#include <stdio.h>
#include <string.h>

MPIJOB_TRACK_THIS_FILE;

/* this is main */
static const mpijob_source source = MPIJOB_SOURCE("main");

static int print(const mpijob_source *of)
{
    const char *marked = of->text == NULL ? NULL : strstr(of->text, "/* this is");
    if (marked == NULL || of->bytes != 0)
        return 1;
    printf("%s %.*s %zu\n", of->function != NULL ? of->function : "-", (int)strcspn(marked, "\n"), marked,
           strlen(of->text));
    return 0;
}

int main(void)
{
    return print(&source) | print(outer_source()) | print(inner_source());
}
