/* powershell: the part of PowerShell's language in which the published Exchange procedures are
 * written, as a tree: pipelines of cmdlets, parameters, strings with expansion, variables,
 * properties, indexes, arrays, script blocks, hash tables, operators and assignments. Pure: reads
 * text and runs nothing. What lies beyond it is refused by name, with its place. */
#ifndef EXCHANGE_POWERSHELL_H
#define EXCHANGE_POWERSHELL_H

#include "base/arena.h"
#include "base/buf.h"

enum { POWERSHELL_BYTES_MAX = 64 * 1024, POWERSHELL_DEPTH_MAX = 40 };

enum powershell_kind {
    POWERSHELL_LITERAL,   /* text: a string without expansion, or a bare word */
    POWERSHELL_EXPAND,    /* items: literals and expressions, put together to a string */
    POWERSHELL_NUMBER,    /* number; text as written ("10MB" is multiplied out) */
    POWERSHELL_VARIABLE,  /* text: its name; true, false, null and _ are names as well */
    POWERSHELL_MEMBER,    /* left.text */
    POWERSHELL_CALL,      /* left.text(items), or [type]::text(items) */
    POWERSHELL_TYPE,      /* [text] */
    POWERSHELL_INDEX,     /* left[right] */
    POWERSHELL_ARRAY,     /* items: a,b,c and @(...) */
    POWERSHELL_HASH,      /* @{key=value; ...}: items are PARAMETER nodes */
    POWERSHELL_BLOCK,     /* { items: statements } */
    POWERSHELL_OPERATOR,  /* left text right: "+", "-eq" ... in lower case */
    POWERSHELL_NOT,       /* -not left */
    POWERSHELL_NEGATE,    /* -left */
    POWERSHELL_PIPELINE,  /* items: commands and, first, expressions */
    POWERSHELL_COMMAND,   /* text: the cmdlet; items: PARAMETER nodes and positional values */
    POWERSHELL_PARAMETER, /* text: name without the dash; left: its value, or NULL for a switch */
    POWERSHELL_ASSIGN,    /* $text = left */
    POWERSHELL_SCRIPT,    /* items: statements */
};

struct powershell_node {
    enum powershell_kind kind;
    struct span text;
    double number;
    struct powershell_node *left, *right;
    struct powershell_node *items; /* the first of a list that `next` links */
    struct powershell_node *next;
    unsigned line, column; /* from 1 */
    bool quoted;           /* LITERAL: was written in quotes */
    bool bound;            /* PARAMETER: its value was joined to it by a colon */
};

/* The whole text as a SCRIPT. ERR_SYNTAX or ERR_LIMIT with a sentence in `why` that names line and
 * column. Comments are skipped; a backquote at the end of a line joins it to the next. */
enum err powershell_parse(struct arena *arena, struct span text, struct powershell_node **script,
                          struct buf *why) MUST_USE;

/* Does the text end within quotes, braces or behind a pipe or comma, so that another line belongs
 * to it? For reading at a prompt. */
bool powershell_is_unfinished(struct span text);

#endif
