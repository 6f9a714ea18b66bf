/* serve: the daemon in the foreground. */
#ifndef MAIN_SERVE_H
#define MAIN_SERVE_H

#include <stdbool.h>

#include "base/buf.h"

struct serve_options {
    const char *config; /* file; NULL: the newest revision of the data folder */
    const char *data;
    unsigned threads; /* receive loops */
    bool demo;
    bool help;
};

/* argv[0] is "serve". Returns the exit code. */
int serve_main(int argc, char **argv);

/* ERR_SYNTAX with `why`. */
enum err serve_options_parse(int argc, char **argv, struct serve_options *options,
                             struct buf *why) MUST_USE;

/* Writes the demonstration document into the data folder where there is none; *config is its path
 * (malloc). */
enum err demo_prepare(const char *data, char **config, struct buf *why) MUST_USE;
/* How to try it, for people. */
void demo_print(void);

#endif
