#define SCALE 8 /* of all */
int points(int i)
{
    return i / SCALE;
}
