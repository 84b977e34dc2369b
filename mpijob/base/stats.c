#include <mpijob/stats.h>

#define NAMED_RANKS 8
#define QUANTITY_BYTES 32

static const char *bytes_text(char out[QUANTITY_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(out, QUANTITY_BYTES, "%u B", (unsigned)bytes);
        return out;
    }
    size_t unit = 0;
    double value = (double)bytes / 1024;
    /* From here on one decimal would round to 1024.0. */
    for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]; value /= 1024)
        unit++;
    snprintf(out, QUANTITY_BYTES, "%.1f %s", value, units[unit]);
    return out;
}

static const char *seconds_text(char out[QUANTITY_BYTES], double seconds)
{
    if (seconds > 0 && seconds < 1e-3)
        snprintf(out, QUANTITY_BYTES, "%.1f us", seconds * 1e6);
    else if (seconds > 0 && seconds < 1)
        snprintf(out, QUANTITY_BYTES, "%.1f ms", seconds * 1e3);
    else
        snprintf(out, QUANTITY_BYTES, "%.2f s", seconds);
    return out;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static void print_jobs(FILE *stream, const mpijob_stats *stats)
{
    char wall[QUANTITY_BYTES];
    fprintf(stream, "Jobs       %llu", (unsigned long long)stats->jobs);
    if (stats->failed)
        fprintf(stream, ", %llu of them failed", (unsigned long long)stats->failed);
    if (stats->left)
        fprintf(stream, ", %llu not run", (unsigned long long)stats->left);
    fprintf(stream, "; in %s on %lu of %lu ranks", seconds_text(wall, stats->wall_s), (unsigned long)stats->ranks_used,
            (unsigned long)stats->ranks_total);
    if (stats->jobs && stats->wall_s > 0)
        fprintf(stream, ": %.1f jobs/s", (double)stats->jobs / stats->wall_s);
    fputc('\n', stream);
}

static void print_memory(FILE *stream, const mpijob_stats *stats)
{
    char saved[QUANTITY_BYTES];
    if (stats->hits == 0 && stats->duplicates == 0)
        return;
    fprintf(stream, "Memory     %llu found, %llu equal to others, %llu computed; %s of computing saved\n",
            (unsigned long long)stats->hits, (unsigned long long)stats->duplicates,
            (unsigned long long)stats->computed, seconds_text(saved, stats->seconds_saved));
}

static void print_traffic(FILE *stream, const mpijob_stats *stats)
{
    char sent[QUANTITY_BYTES];
    char received[QUANTITY_BYTES];
    fprintf(stream, "Traffic    %llu batches, %llu messages; rank 0 sent %s, received %s\n",
            (unsigned long long)stats->batches, (unsigned long long)stats->messages,
            bytes_text(sent, stats->sent_bytes), bytes_text(received, stats->received_bytes));
}

static void print_time(FILE *stream, const mpijob_stats *stats)
{
    double whole = stats->busy_s + stats->waiting_s + stats->scheduling_s;
    char busy[QUANTITY_BYTES];
    char waiting[QUANTITY_BYTES];
    char scheduling[QUANTITY_BYTES];
    fprintf(stream, "Time       busy %s (%.1f %%), waiting %s (%.1f %%), scheduling %s (%.1f %%), over all ranks\n",
            seconds_text(busy, stats->busy_s), percent(stats->busy_s, whole), seconds_text(waiting, stats->waiting_s),
            percent(stats->waiting_s, whole), seconds_text(scheduling, stats->scheduling_s),
            percent(stats->scheduling_s, whole));
    if (stats->imbalance > 0)
        fprintf(stream, "Imbalance  %.3f (the busiest rank over the mean)\n", stats->imbalance);
}

static void print_rank(FILE *stream, const mpijob_stats *stats, size_t rank, const char *remark)
{
    const mpijob_rank_stats *own = stats->ranks + rank;
    double whole = own->busy_s + own->waiting_s + own->scheduling_s;
    fprintf(stream, "Rank %-5zu %llu jobs in %llu batches, busy %.1f %%, waiting %.1f %%, scheduling %.1f %%%s\n", rank,
            (unsigned long long)own->jobs, (unsigned long long)own->batches, percent(own->busy_s, whole),
            percent(own->waiting_s, whole), percent(own->scheduling_s, whole), remark);
}

static void print_extremes(FILE *stream, const mpijob_stats *stats, size_t count)
{
    size_t least = 0;
    size_t most = 0;
    for (size_t i = 1; i < count; i++) {
        if (stats->ranks[i].busy_s < stats->ranks[least].busy_s)
            least = i;
        if (stats->ranks[i].busy_s > stats->ranks[most].busy_s)
            most = i;
    }
    print_rank(stream, stats, least, " (least busy)");
    print_rank(stream, stats, most, " (most busy)");
}

static void print_ranks(FILE *stream, const mpijob_stats *stats)
{
    size_t count = stats->ranks_capacity < stats->ranks_used ? stats->ranks_capacity : stats->ranks_used;
    if (!stats->ranks)
        return;
    if (count > NAMED_RANKS) {
        print_extremes(stream, stats, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        print_rank(stream, stats, i, "");
}

void mpijob_stats_print(FILE *stream, const mpijob_stats *stats)
{
    print_jobs(stream, stats);
    print_memory(stream, stats);
    print_traffic(stream, stats);
    print_time(stream, stats);
    print_ranks(stream, stats);
}
