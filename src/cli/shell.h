/* shell: a session of `sealpost shell`: its variables, its limits, and how its parts run each
 * other. The language is PowerShell's as far as the published Exchange procedures use it; its
 * cmdlets make the same requests to the daemon as the other verbs. */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include <signal.h>

#include "cli/command.h"
#include "cli/shell_value.h"
#include "exchange/powershell.h"

enum {
    SHELL_STEPS_MAX = 2000000, /* evaluations of one line or script */
    SHELL_BYTES_A_STEP = 256,
    SHELL_DEPTH_MAX = 200,                /* blocks within blocks that run */
    SHELL_FILE_MAX = 16 * 1024 * 1024,    /* what Get-Content and ReadAllBytes take */
    SHELL_OUTPUT_MAX = 256 * 1024 * 1024, /* what a script may print */
    SHELL_VARIABLES_MAX = 1000,
};

struct shell_variable {
    struct span name;
    struct shell_value *value;
    struct shell_variable *next;
};

/* Bytes and secrets: wiped when the session ends. */
struct shell_held {
    struct buf bytes;
    struct shell_held *next;
};

struct shell {
    struct command *c;
    struct arena *arena; /* all of the session's values and text; wiped at its end */
    struct shell_variable *variables;
    size_t variable_count;
    struct shell_held *held;
    struct shell_value *item;         /* $_ */
    const struct powershell_node *at; /* the command that runs, for messages */
    struct span source;               /* the script's name, or empty */
    json_t *results;                  /* with --json: what is printed at the end */
    size_t steps, depth, printed;
    struct span hostname;
    bool interactive, can_ask, yes_to_all, no_to_all;
    const volatile sig_atomic_t *interrupted; /* Ctrl-C ends the statement; NULL: nobody asks */
    bool failed;                              /* the statement ends; the message was given */
    bool leaves;                              /* exit was said */
    int code; /* of the last failure: CLI_REFUSED unless the daemon was not reached */
};

/* Says in one line what is wrong and where, and ends the statement. `remedy` may be NULL. Returns
 * false, for conditions. */
bool shell_fail(struct shell *s, const char *remedy, const char *format, ...) PRINTF_LIKE(3, 4);
/* The message was given elsewhere, with this exit code. */
bool shell_failed_with(struct shell *s, int code);
/* A line on standard error that stops nothing. */
void shell_warn(struct shell *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* The name of this server as Exchange would say it ("MX1"): the first label in upper case; asked
 * from the daemon once. Empty where it cannot be reached; the message was given then. */
struct span shell_server_name(struct shell *s);

/* Overwrites and frees what the session held. */
void shell_done(struct shell *s);

/* A value whose bytes are overwritten when the session ends. */
struct shell_value *shell_hold(struct shell *s, enum shell_kind kind, struct span bytes);

/* ---- shell_eval.c ---- */

/* The value of an expression, null where it has none; NULL after a failure. */
struct shell_value *shell_eval(struct shell *s, const struct powershell_node *node);
/* Runs a pipeline or expression and gathers what it puts out. False after a failure. */
bool shell_run(struct shell *s, const struct powershell_node *node, struct shell_list *out);
/* Runs the statements of a script or block with $_ set. */
bool shell_run_block(struct shell *s, const struct powershell_node *block, struct shell_value *item,
                     struct shell_list *out);
/* The value of a block or of a property's name for one item, as Sort-Object and Select-Object take
 * it. NULL after a failure. */
struct shell_value *shell_pick(struct shell *s, struct shell_value *item, struct shell_value *by);

/* ---- shell_operator.c, shell_member.c ---- */

/* `name` as it is written: "-like". NULL after a failure. */
struct shell_value *shell_operate(struct shell *s, struct span name, struct shell_value *left,
                                  struct shell_value *right);
/* "$x.Issuer": of a list, of each of its items. null where there is no such property. */
struct shell_value *shell_member(struct shell *s, struct shell_value *left, struct span name);
struct shell_value *shell_method(struct shell *s, struct shell_value *left, struct span name,
                                 const struct shell_list *arguments);
struct shell_value *shell_static(struct shell *s, struct span type, struct span name,
                                 const struct shell_list *arguments);

/* ---- shell_file.c: files that scripts read and write ---- */

struct shell_value *shell_read_bytes(struct shell *s, struct span path);
/* Made with mode 0600, as it may hold a key. */
bool shell_write(struct shell *s, struct span path, struct span bytes, bool append);

/* ---- shell_line.c ---- */

/* Reads and runs lines until the end of the input or exit. */
void shell_interact(struct shell *s);
/* One text of whole statements, which prints its results. */
void shell_execute(struct shell *s, struct span text);

#endif
