/* powershell_read: what the two halves of the parser share. Private to powershell*.c. */
#ifndef EXCHANGE_POWERSHELL_READ_H
#define EXCHANGE_POWERSHELL_READ_H

#include "exchange/powershell.h"

struct powershell_reader {
    struct arena *arena;
    struct span text;
    size_t at;
    unsigned depth;
    bool failed, unfinished; /* unfinished: failed only because the text ended */
    size_t counted;          /* line and column are those of this place */
    unsigned line, column;
    struct buf *why;
};

/* Remembers the first failure; all readers stop at it. */
void powershell_fail(struct powershell_reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
struct powershell_node *powershell_node(struct powershell_reader *r, enum powershell_kind kind,
                                        struct span text);
void powershell_append(struct powershell_node ***end, struct powershell_node *node);

/* 0 at the end. */
char powershell_peek(const struct powershell_reader *r, size_t ahead);
/* Blanks, comments and joined lines; with `lines` also line ends. */
void powershell_skip(struct powershell_reader *r, bool lines);
bool powershell_take(struct powershell_reader *r, const char *token);

/* powershell_word.c: strings, variables, numbers, bare words. */
struct powershell_node *powershell_quoted(struct powershell_reader *r);
struct powershell_node *powershell_variable(struct powershell_reader *r);
struct powershell_node *powershell_bare(struct powershell_reader *r);
struct span powershell_name(struct powershell_reader *r);
bool powershell_number(struct span word, double *number);

/* powershell.c */
struct powershell_node *powershell_statements(struct powershell_reader *r, char end);
struct powershell_node *powershell_postfix(struct powershell_reader *r,
                                           struct powershell_node *node);

#endif
