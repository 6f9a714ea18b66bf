/* table: lookup tables of Postfix by their text source: hash, lmdb, btree, cdb, dbm, sdbm and
 * texthash (postmap(1)), cidr (cidr_table(5)) and inline (inline_table(5)). What is looked up
 * elsewhere (regexp, LDAP, SQL ...) is no list and cannot be read. */
#ifndef POSTFIX_TABLE_H
#define POSTFIX_TABLE_H

#include "postfix/lines.h"

struct postfix_entry {
    struct span key, value;
    unsigned line;
};

struct postfix_table {
    struct postfix_entry *entries;
    size_t count;
};

enum postfix_source {
    POSTFIX_NO_TABLE, /* a plain word, not "type:name" */
    POSTFIX_INLINE,
    POSTFIX_FILE,    /* the text file `name` */
    POSTFIX_FOREIGN, /* nothing that could be read as a list */
};

/* Splits "hash:/etc/postfix/transport" ("proxy:" in front is left away); *name is the file, or the
 * content of inline:{...}. */
enum postfix_source postfix_table_source(struct span spec, struct span *name);

/* ERR_LIMIT with a sentence where it is too large. Lines without a value have an empty one. */
enum err postfix_table_read(struct arena *arena, struct span text, struct postfix_table *table,
                            struct buf *why) MUST_USE;
/* "{ key = value, { key = value with blanks } }", without the outer braces. */
enum err postfix_inline_read(struct arena *arena, struct span text, struct postfix_table *table,
                             struct buf *why) MUST_USE;

#endif
