#include "bench/account.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"

struct process {
    pid_t pid, parent;
    uint64_t children_ticks; /* of descendants that were waited for */
    bool counted;
};

struct table {
    struct process *rows;
    size_t count, size;
};

enum { GROUP_PATH = 512 };

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(text, 1, size - 1, f);
    fclose(f);
    text[n] = 0;
    return n > 0;
}

/* proc(5): the name, the second field, stands in parentheses and may contain anything, so the
 * others are counted from the last of these. */
static bool read_process(const char *name, struct process *row)
{
    enum { FIELD_STATE = 3, FIELD_PARENT = 4, FIELD_CUTIME = 16, FIELD_CSTIME = 17 };
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
    if (!read_text(path, text, sizeof(text)))
        return false;
    struct span field, rest = span_of(text);
    rest = span_skip(rest, span_rfind(rest, ')') + 2);
    uint64_t values[FIELD_CSTIME + 1] = {0};
    int number = FIELD_STATE;
    for (; number <= FIELD_CSTIME && span_cut(&rest, ' ', &field); number++)
        if (num_parse(field, UINT64_MAX, &values[number]) != OK)
            values[number] = 0; /* a negative number, none of those that are wanted */
    if (number <= FIELD_CSTIME)
        return false;
    *row = (struct process){.pid = (pid_t)strtol(name, NULL, 10),
                            .parent = (pid_t)values[FIELD_PARENT],
                            .children_ticks = values[FIELD_CUTIME] + values[FIELD_CSTIME]};
    return true;
}

static struct table read_processes(void)
{
    struct table t = {0};
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));) {
        struct process row;
        if (e->d_name[0] < '0' || e->d_name[0] > '9' || !read_process(e->d_name, &row))
            continue;
        if (t.count == t.size) {
            t.size = t.size * 2 + 256;
            t.rows = realloc(t.rows, t.size * sizeof(*t.rows));
            if (!t.rows)
                abort();
        }
        t.rows[t.count++] = row;
    }
    if (proc)
        closedir(proc);
    return t;
}

static double own_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
        return 0; /* it has just ended: its parent knows */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double tree_us(struct table *t, pid_t root)
{
    double us = 0, tick_us = 1e6 / (double)sysconf(_SC_CLK_TCK);
    for (size_t i = 0; i < t->count; i++) {
        struct process *row = &t->rows[i];
        if (row->counted || (row->pid != root && row->parent != root))
            continue;
        if (row->pid == root) {
            row->counted = true;
            us += own_us(root) + (double)row->children_ticks * tick_us;
        } else {
            us += tree_us(t, row->pid);
        }
    }
    return us;
}

/* The control group that counts processor time for the process: version 1 has a hierarchy for it,
 * version 2 only one. */
static void group_of(const char *pid, char path[GROUP_PATH])
{
    char name[64], text[4096];
    path[0] = 0;
    snprintf(name, sizeof(name), "/proc/%.20s/cgroup", pid);
    if (!read_text(name, text, sizeof(text)))
        return;
    struct span rest = span_of(text), line;
    while (span_cut(&rest, '\n', &line)) {
        struct span id, controllers;
        if (!span_cut(&line, ':', &id) || !span_cut(&line, ':', &controllers))
            continue;
        bool version1 = span_search(controllers, SPAN("cpuacct")) < controllers.n;
        if (version1)
            snprintf(path, GROUP_PATH, "/sys/fs/cgroup/cpuacct" SPAN_FMT "/cpuacct.usage",
                     SPAN_ARG(line));
        else if (!controllers.n && !path[0])
            snprintf(path, GROUP_PATH, "/sys/fs/cgroup" SPAN_FMT "/cpu.stat", SPAN_ARG(line));
        if (version1)
            return;
    }
}

static bool read_group_us(const char *path, double *us)
{
    char text[1024];
    if (!read_text(path, text, sizeof(text)))
        return false;
    struct span all = span_of(text);
    size_t at = span_search(all, SPAN("usage_usec "));
    if (at < all.n)
        *us = strtod(text + at + strlen("usage_usec "), NULL);
    else
        *us = strtod(text, NULL) / 1e3; /* cpuacct.usage: nanoseconds */
    return true;
}

double account_cpu_us(const pid_t *pids, size_t count)
{
    struct table t = read_processes();
    char ours[GROUP_PATH], (*groups)[GROUP_PATH] = calloc(count + 1, GROUP_PATH);
    double sum = 0;
    if (!groups)
        abort();
    group_of("self", ours);
    for (size_t i = 0; i < count; i++) {
        char pid[24];
        double us = 0;
        snprintf(pid, sizeof(pid), "%ld", (long)pids[i]);
        group_of(pid, groups[i]);
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again |= !strcmp(groups[k], groups[i]);
        bool alone = groups[i][0] && strcmp(groups[i], ours) != 0;
        if (!alone)
            sum += tree_us(&t, pids[i]);
        else if (!again && read_group_us(groups[i], &us))
            sum += us;
    }
    free(groups);
    free(t.rows);
    return sum;
}
