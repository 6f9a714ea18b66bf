/* command: one command line that runs: what was asked, where the output goes, how it ends. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <jansson.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/terminal.h"

struct command;
typedef int verb_fn(struct command *c);

/* One line of the verb table. */
struct verb {
    const char *name;
    const char *action; /* "list" in "queue list"; NULL: the verb has none */
    const char *words;  /* "NAME KEY=VALUE..." for help */
    const char *summary;
    const char *details; /* further paragraphs of help, or NULL */
    const struct option_table *options[2];
    size_t least_words, most_words;
    verb_fn *run; /* NULL: only described here (main runs it) */
};

struct command {
    const struct verb *verb; /* NULL until it is found */
    const char *verb_name;   /* a verb whose action is missing or unknown, for what is said then */
    struct options options;  /* words: those behind the verb and its action */
    struct arena arena;
    struct terminal terminal;
    struct buf out;   /* standard output, written by command_flush */
    struct span data; /* the data folder */
    bool json;
    bool reader_gone; /* standard output was closed: a follower need not go on */
    int64_t now_ms;
};

/* The word at a place; the count was checked against the verb table. */
struct span command_word(const struct command *c, size_t at);
size_t command_word_count(const struct command *c);

/* Writes what has gathered. CLI_REFUSED where standard output failed; a reader that has gone is no
 * failure. */
int command_flush(struct command *c);
/* Prints the value as JSON (--json). */
void command_print_json(struct command *c, const json_t *value);

/* Each says on standard error what, where and what to do, and returns the exit code. remedy may be
 * empty. */
int command_usage(struct command *c, const char *format, ...) PRINTF_LIKE(2, 3);
int command_refuse(struct command *c, struct span text, struct span remedy);
int command_refusef(struct command *c, const char *remedy, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The whole of a file, "-" for standard input; ERR_LIMIT above max. On failure the message was
 * given. */
enum err command_read_file(struct command *c, struct span path, size_t max,
                           struct buf *content) MUST_USE;

/* A moment or a number from an option; on failure the message was given. Untouched where it is
 * absent. */
enum err command_moment(struct command *c, const char *option, int64_t *ms) MUST_USE;
enum err command_count(struct command *c, const char *option, uint64_t max,
                       uint64_t *count) MUST_USE;

/* A line of text in a style, made harmless. */
void command_say(struct command *c, enum style style, struct span text);
void command_sayf(struct command *c, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
