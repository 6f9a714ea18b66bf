#include "cli/options.h"

#include <assert.h>
#include <stdlib.h>

#include "conf/schema.h"

void options_init(struct options *o)
{
    *o = (struct options){0};
}

void options_done(struct options *o)
{
    free(o->words);
    *o = (struct options){0};
}

void options_know(struct options *o, const struct option_table *table)
{
    assert(o->table_count < OPTION_TABLES_MAX);
    o->tables[o->table_count++] = table;
    size_t total = 0;
    for (size_t i = 0; i < o->table_count; i++)
        total += o->tables[i]->count;
    assert(total <= OPTIONS_MAX);
}

/* The option at a place counted over all tables; NULL behind the last. */
static const struct option *option_at(const struct options *o, size_t place)
{
    for (size_t i = 0; i < o->table_count; i++) {
        if (place < o->tables[i]->count)
            return &o->tables[i]->items[place];
        place -= o->tables[i]->count;
    }
    return NULL;
}

static size_t place_of(const struct options *o, struct span name, char letter)
{
    const struct option *option;
    size_t place = 0;
    for (; (option = option_at(o, place)); place++)
        if (letter ? option->letter == letter : span_eq(span_of(option->name), name))
            break;
    return place;
}

static enum err unknown_option(const struct options *o, const char *arg, struct buf *why)
{
    const char *names[OPTIONS_MAX];
    const struct option *option;
    size_t count = 0;
    for (; (option = option_at(o, count)); count++)
        names[count] = option->name;
    struct span given = span_of(arg);
    buf_addf(why, "there is no option " SPAN_FMT,
             SPAN_ARG(span_head(given, span_find(given, '='))));
    const char *near = NULL;
    if (span_starts(given, SPAN("--"))) {
        struct buf name = BUF_INIT(BUF_UNLIMITED);
        given = span_skip(given, 2);
        buf_add(&name, span_head(given, span_find(given, '=')));
        near = options_nearest(buf_text(&name), names, count);
        buf_done(&name);
    }
    if (near)
        buf_addf(why, "; did you mean --%s?", near);
    return ERR_SYNTAX;
}

/* One option at args[0]; *used grows by what it takes. */
static enum err parse_option(struct options *o, char *const *args, size_t count, size_t *used,
                             struct buf *why)
{
    const char *arg = args[0];
    bool is_long = arg[1] == '-';
    struct span rest = span_of(arg + (is_long ? 2 : 1));
    struct span name = is_long ? span_head(rest, span_find(rest, '=')) : SPAN_NONE;
    size_t place = place_of(o, name, is_long ? '\0' : arg[1]);
    const struct option *option = option_at(o, place);
    if (!option)
        return unknown_option(o, arg, why);
    size_t taken = is_long ? name.n : 1;
    const char *value = taken < rest.n ? rest.p + taken + (is_long ? 1 : 0) : NULL;
    *used += 1;
    if (!option->argument && value) {
        buf_addf(why, "--%s takes no value", option->name);
        return ERR_SYNTAX;
    }
    if (option->argument && !value) {
        if (count < 2) {
            buf_addf(why, "--%s needs a value: --%s %s", option->name, option->name,
                     option->argument);
            return ERR_SYNTAX;
        }
        value = args[1];
        *used += 1;
    }
    if (o->values[place]) {
        buf_addf(why, "--%s is given twice", option->name);
        return ERR_SYNTAX;
    }
    o->values[place] = value ? value : "";
    return OK;
}

static enum err add_word(struct options *o, const char *word, struct buf *why)
{
    if (o->word_count == WORDS_MAX) {
        buf_addf(why, "more than %d words", WORDS_MAX);
        return ERR_SYNTAX;
    }
    if (o->word_count == o->word_room) {
        o->word_room = o->word_room ? 2 * o->word_room : 16;
        o->words = reallocarray(o->words, o->word_room, sizeof(*o->words));
        if (!o->words)
            abort();
    }
    o->words[o->word_count++] = word;
    return OK;
}

enum err options_parse(struct options *o, char *const *args, size_t count, bool to_next_word,
                       size_t *used, struct buf *why)
{
    size_t i = 0, words_before = o->word_count;
    bool options_ended = false;
    enum err err = OK;
    while (i < count && err == OK && !(to_next_word && o->word_count > words_before)) {
        const char *arg = args[i];
        if (!options_ended && strcmp(arg, "--") == 0) {
            options_ended = true;
            i++;
        } else if (!options_ended && arg[0] == '-' && arg[1] != '\0') {
            err = parse_option(o, args + i, count - i, &i, why);
        } else {
            err = add_word(o, arg, why);
            i++;
        }
    }
    if (err == OK)
        *used = i;
    return err;
}

static const char *value_of(const struct options *o, const char *name)
{
    size_t place = place_of(o, span_of(name), '\0');
    assert(option_at(o, place));
    return o->values[place];
}

bool options_has(const struct options *o, const char *name)
{
    return value_of(o, name) != NULL;
}

struct span options_text(const struct options *o, const char *name)
{
    return span_of(value_of(o, name));
}

const char *options_nearest(const char *word, const char *const *candidates, size_t count)
{
    struct span given = span_of(word);
    const char *best = NULL;
    /* A third of the letters may be wrong: "qeue" is queue, "foo" is nothing. */
    size_t least = given.n / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        struct span candidate = span_of(candidates[i]);
        bool begun = given.n >= 2 && span_istarts(candidate, given);
        size_t distance = begun ? 1 : schema_distance(given, candidate, least);
        if (distance < least) {
            least = distance;
            best = candidates[i];
        }
    }
    return best;
}
