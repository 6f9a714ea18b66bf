#include "postfix/table.h"

static struct span without_braces(struct span s)
{
    s = span_trim(s);
    bool both = s.n > 1 && s.p[0] == '{' && s.p[s.n - 1] == '}';
    return both ? span_trim(span_make(s.p + 1, s.n - 2)) : s;
}

enum postfix_source postfix_table_source(struct span spec, struct span *name)
{
    static const char *const text_types[] = {"hash", "lmdb", "btree",    "cdb",
                                             "dbm",  "sdbm", "texthash", "cidr"};
    if (span_starts(spec, SPAN("proxy:")))
        spec = span_skip(spec, 6);
    size_t colon = span_find(spec, ':');
    struct span type = span_head(spec, colon);
    *name = span_skip(spec, colon + 1);
    if (colon == spec.n || spec.p[0] == '[' || spec.p[0] == '/')
        return POSTFIX_NO_TABLE;
    if (span_eq(type, SPAN("inline"))) {
        *name = without_braces(*name);
        return POSTFIX_INLINE;
    }
    for (size_t i = 0; i < COUNT_OF(text_types); i++)
        if (span_eq(type, span_of(text_types[i])))
            return POSTFIX_FILE;
    return POSTFIX_FOREIGN;
}

static enum err add(struct arena *arena, struct postfix_table *table, size_t *room,
                    struct postfix_entry entry, struct buf *why)
{
    if (table->count == POSTFIX_LINES_MAX) {
        buf_addf(why, "more than %d entries", POSTFIX_LINES_MAX);
        return ERR_LIMIT;
    }
    if (table->count == *room) {
        *room = *room ? *room * 2 : 32;
        struct postfix_entry *more = ARENA_ARRAY(arena, struct postfix_entry, *room);
        if (table->count)
            memcpy(more, table->entries, table->count * sizeof(*more));
        table->entries = more;
    }
    table->entries[table->count++] = entry;
    return OK;
}

enum err postfix_table_read(struct arena *arena, struct span text, struct postfix_table *table,
                            struct buf *why)
{
    struct postfix_table read = {0};
    struct postfix_lines lines = postfix_lines(text);
    struct span one;
    unsigned line;
    size_t room = 0;
    if (text.n > POSTFIX_FILE_MAX) {
        buf_addf(why, "more than %d bytes", POSTFIX_FILE_MAX);
        return ERR_LIMIT;
    }
    while (postfix_lines_next(&lines, arena, &one, &line)) {
        size_t n = 0;
        while (n < one.n && one.p[n] != ' ' && one.p[n] != '\t')
            n++;
        struct postfix_entry entry = {span_head(one, n), span_trim(span_skip(one, n)), line};
        enum err err = add(arena, &read, &room, entry, why);
        if (err != OK)
            return err;
    }
    *table = read;
    return OK;
}

enum err postfix_inline_read(struct arena *arena, struct span text, struct postfix_table *table,
                             struct buf *why)
{
    struct postfix_table read = {0};
    struct span word;
    size_t room = 0;
    while (postfix_word(&text, true, &word)) {
        struct span pair = without_braces(word);
        size_t equals = span_find(pair, '=');
        struct postfix_entry entry = {span_trim(span_head(pair, equals)),
                                      span_trim(span_skip(pair, equals + 1)), 0};
        enum err err = add(arena, &read, &room, entry, why);
        if (err != OK)
            return err;
    }
    *table = read;
    return OK;
}
