/* options: the one parser of command lines. Options are declared in tables, from which checks,
 * suggestions and help derive. "--name value", "--name=value", "-n value"; "--" ends the options.
 * An option may be given once. Words (what is no option) may stand anywhere. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/buf.h"

struct option {
    const char *name;     /* without the dashes */
    const char *argument; /* what help calls its value, "DIR"; NULL: a switch */
    const char *help;
    char letter; /* its short form, or 0 */
};

struct option_table {
    const struct option *items;
    size_t count;
};

enum { OPTION_TABLES_MAX = 3, OPTIONS_MAX = 40, WORDS_MAX = 10000 };

struct options {
    const struct option_table *tables[OPTION_TABLES_MAX];
    size_t table_count;
    const char *values[OPTIONS_MAX]; /* in the order of the tables; "" for a switch, NULL: absent */
    const char **words;
    size_t word_count, word_room;
};

void options_init(struct options *o);
void options_done(struct options *o);
/* Adds options that are known from now on. */
void options_know(struct options *o, const struct option_table *table);

/* Reads args[0..count) and says in *used how many it took. With to_next_word it stops behind the
 * first word, which it adds. ERR_SYNTAX with a sentence in `why` where the line is wrong. */
enum err options_parse(struct options *o, char *const *args, size_t count, bool to_next_word,
                       size_t *used, struct buf *why) MUST_USE;

/* The name must stand in a table. options_text: empty where absent. */
bool options_has(const struct options *o, const char *name);
struct span options_text(const struct options *o, const char *name);

/* The candidate that is the likeliest meant by a misspelt word; NULL where none is near. */
const char *options_nearest(const char *word, const char *const *candidates, size_t count);

#endif
