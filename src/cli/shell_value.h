/* shell_value: what the variables of `sealpost shell` hold and its pipelines carry: PowerShell's
 * values, as far as the Exchange procedures need them. Values live in the session's arena and never
 * change once they were handed on. */
#ifndef CLI_SHELL_VALUE_H
#define CLI_SHELL_VALUE_H

#include <jansson.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum { SHELL_ITEMS_MAX = 200000, SHELL_TEXT_MAX = 16 * 1024 * 1024 };

enum shell_kind {
    SHELL_NULL,
    SHELL_BOOL,      /* flag */
    SHELL_NUMBER,    /* number */
    SHELL_TEXT,      /* text; flag: made by Format-List or Format-Table, printed as it is */
    SHELL_TIME,      /* ms since 1970 */
    SHELL_DURATION,  /* ms */
    SHELL_BYTES,     /* held */
    SHELL_SECRET,    /* held: a SecureString */
    SHELL_LIST,      /* items */
    SHELL_OBJECT,    /* properties; type names its default view */
    SHELL_HASH,      /* properties of @{ } */
    SHELL_BLOCK,     /* block */
    SHELL_TYPE_NAME, /* text: "System.IO.File" */
};

struct shell_value;
struct powershell_node;

struct shell_list {
    struct shell_value **items;
    size_t count, room;
};

struct shell_property {
    struct span name;
    struct shell_value *value;
    struct shell_property *next;
};

struct shell_value {
    enum shell_kind kind;
    bool flag;
    double number;
    int64_t ms;
    struct span text;
    struct shell_list list;
    struct shell_property *properties, *last;
    const char *type;
    struct powershell_node *block;
    const struct buf *held; /* wiped when the session ends */
};

struct shell_value *shell_null(void);
struct shell_value *shell_bool(struct arena *a, bool flag);
struct shell_value *shell_number(struct arena *a, double number);
/* As it stands in a script: what wants text (a thumbprint of digits alone) gets it as written. */
struct shell_value *shell_written_number(struct arena *a, double number, struct span written);
/* Copies the text. */
struct shell_value *shell_text(struct arena *a, struct span text);
struct shell_value *shell_time(struct arena *a, int64_t ms);
struct shell_value *shell_duration(struct arena *a, int64_t ms);
struct shell_value *shell_list_value(struct arena *a);
struct shell_value *shell_object(struct arena *a, const char *type);

/* Adds up to SHELL_ITEMS_MAX values; more are left out, and a pipeline that has come so far fails.
 */
void shell_list_add(struct arena *a, struct shell_list *list, struct shell_value *value);
/* A list's items one by one, anything else but null as it is: how values enter a pipeline. */
void shell_list_spread(struct arena *a, struct shell_list *list, struct shell_value *value);
/* What a pipeline's output is as one value: null, the value itself, or a list. */
struct shell_value *shell_list_settle(struct arena *a, const struct shell_list *list);

void shell_set(struct arena *a, struct shell_value *object, const char *name,
               struct shell_value *value);
/* The property, whatever its case; NULL where there is none. */
struct shell_value *shell_get(const struct shell_value *object, struct span name);

bool shell_is_true(const struct shell_value *value);
/* PowerShell's text of a value: "True", "3", "11/22/2026 6:46:05 PM", items with blanks between. */
void shell_add_text(struct buf *out, const struct shell_value *value);
struct span shell_text_of(struct arena *a, const struct shell_value *value);
/* As Format-List prints it: "{a, b}". */
void shell_add_display(struct buf *out, const struct shell_value *value);
/* "12/31/2026 1:02:03 PM", local time; "1.02:03:04". */
void shell_add_time(struct buf *out, int64_t ms);
void shell_add_duration(struct buf *out, int64_t ms);
/* Whether the value can stand for a number: numbers, "25", "36MB", booleans. */
bool shell_as_number(const struct shell_value *value, double *number);
bool shell_is_whole(double number);
/* <0, 0, >0; texts without regard to case; times with texts that are times. */
int shell_compare(const struct shell_value *a, const struct shell_value *b);
json_t *shell_to_json(const struct shell_value *value);

#endif
