/* args: the command line of a tool as one table: what --help prints is what is parsed. */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARG_LIST_MAX = 64 };

struct arg_list {
    const char *items[ARG_LIST_MAX];
    size_t count;
};

enum arg_kind {
    ARG_FLAG,    /* bool */
    ARG_NUMBER,  /* uint64_t */
    ARG_COUNT,   /* uint64_t; without a number: one for each processor */
    ARG_SIZE,    /* uint64_t, "4096" or "10MB" */
    ARG_SECONDS, /* double */
    ARG_TEXT,    /* const char * */
    ARG_PAIR,    /* const char *[2] */
    ARG_LIST,    /* struct arg_list; may be given again */
};

struct arg {
    const char *name; /* "--total" */
    enum arg_kind kind;
    void *value;
    const char *operand; /* as help shows it; NULL for a flag */
    const char *help;
};

struct args {
    const char *program, *purpose;
    const struct arg *table;
    size_t count;
};

/* Sets the values that were given and leaves the others. Ends the process where it must: with 0
 * after --help, with 2 after a mistake. */
void args_parse(const struct args *args, int argc, char **argv);

/* Prints "PROGRAM: ..." to standard error and ends the process with 2. */
_Noreturn void args_fail(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
