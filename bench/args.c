#include "bench/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

void args_fail(const char *program, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void print_help(const struct args *args)
{
    printf("usage: %s [OPTION...]\n%s\n\n", args->program, args->purpose);
    for (size_t i = 0; i < args->count; i++) {
        const struct arg *a = &args->table[i];
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", a->name, a->operand ? " " : "",
                 a->operand ? a->operand : "");
        printf("  %-24s %s\n", left, a->help);
    }
}

static double parse_seconds(const struct args *args, const struct arg *a, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= 0 && value <= 86400))
        args_fail(args->program, "%s takes seconds, not %s", a->name, text);
    return value;
}

/* How many of the operands were used. */
static int set_value(const struct args *args, const struct arg *a, int count, char **operands)
{
    const char *text = count ? operands[0] : NULL;
    if (a->kind == ARG_FLAG) {
        *(bool *)a->value = true;
        return 0;
    }
    uint64_t *number = a->value;
    if (a->kind == ARG_COUNT) {
        if (text && num_parse(span_of(text), 1024, number) == OK)
            return 1;
        *number = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
        return 0;
    }
    if (count < (a->kind == ARG_PAIR ? 2 : 1))
        args_fail(args->program, "%s takes %s", a->name, a->operand);
    struct arg_list *list = a->value;
    switch (a->kind) {
    case ARG_NUMBER:
        if (num_parse(span_of(text), UINT32_MAX, number) != OK)
            args_fail(args->program, "%s takes a number, not %s", a->name, text);
        return 1;
    case ARG_SIZE:
        if (num_parse_size(span_of(text), number) != OK)
            args_fail(args->program, "%s takes a size, not %s", a->name, text);
        return 1;
    case ARG_SECONDS: *(double *)a->value = parse_seconds(args, a, text); return 1;
    case ARG_PAIR:
        ((const char **)a->value)[0] = operands[0];
        ((const char **)a->value)[1] = operands[1];
        return 2;
    case ARG_LIST:
        if (list->count == ARG_LIST_MAX)
            args_fail(args->program, "%s may be given %d times", a->name, ARG_LIST_MAX);
        list->items[list->count++] = text;
        return 1;
    default: *(const char **)a->value = text; return 1;
    }
}

void args_parse(const struct args *args, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            print_help(args);
            exit(0);
        }
        const struct arg *found = NULL;
        for (size_t k = 0; k < args->count && !found; k++)
            if (!strcmp(argv[i], args->table[k].name))
                found = &args->table[k];
        if (!found)
            args_fail(args->program, "unknown: %s (--help)", argv[i]);
        i += set_value(args, found, argc - i - 1, argv + i + 1);
    }
}
