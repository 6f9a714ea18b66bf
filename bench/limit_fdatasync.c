#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/args.h"
#include "bench/limit.h"
#include "bench/measure.h"

static const char program[] = "bench-limit fdatasync";

enum { SIZE = 4096 };

int limit_fdatasync(int argc, char **argv)
{
    static struct histogram times;
    static char block[SIZE];
    const char *spool = ".";
    uint64_t total = 2000;
    const struct arg table[] = {
        {"--spool", ARG_TEXT, &spool, "DIR",
         "a folder that exists (default: this one); a file in it comes and goes"},
        {"--total", ARG_NUMBER, &total, "N", "how often (default 2000)"},
    };
    const struct args args = {
        program, "Appends 4 KiB to a file and flushes it, again and again; prints one JSON object.",
        table, sizeof(table) / sizeof(*table)};
    args_parse(&args, argc, argv);
    char path[4096];
    snprintf(path, sizeof(path), "%s/fdatasync.XXXXXX", spool);
    int fd = mkostemp(path, O_APPEND | O_CLOEXEC);
    if (fd < 0)
        args_fail(program, "%s: %s", path, strerror(errno));
    unlink(path);
    memset(block, 'x', sizeof(block));
    uint64_t began = measure_now(), cpu = measure_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < total; i++) {
        uint64_t start = measure_now();
        if (write(fd, block, sizeof(block)) != SIZE || fdatasync(fd))
            args_fail(program, "%s: %s", path, strerror(errno));
        histogram_add(&times, measure_now() - start);
    }
    double seconds = (double)(measure_now() - began) / 1e9;
    double cpu_us = (double)(measure_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3;
    close(fd);
    printf("{\"total\":%zu,\"size\":%d,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f,"
           "\"seconds\":%.6f,\"per_second\":%.1f,\"cpu_us_per\":%.2f}\n",
           (size_t)total, SIZE, histogram_us(&times, .5), histogram_us(&times, .9),
           histogram_us(&times, .99), (double)times.max / 1e3, seconds, (double)total / seconds,
           cpu_us / (double)(total ? total : 1));
    return 0;
}
