#include "policy/import_postfix.h"

#include "policy/import_postfix_parts.h"

enum {
    LIST_DEPTH_MAX = 5, /* files that name files */
    FILES_MAX = 500,    /* read in all: a file may name itself many times */
};

/* ---- notes ---- */

static void note_parameter(struct postfix_import *pi, const char *name, enum import_fate fate,
                           const char *became, const char *why)
{
    enum { SHOWN_MAX = 160 };
    const struct postfix_parameter *last = postfix_parameter(&pi->conf, span_of(name));
    for (size_t i = 0; i < pi->conf.parameter_count; i++) {
        const struct postfix_parameter *p = &pi->conf.parameters[i];
        if (!span_eq(p->name, span_of(name)))
            continue;
        struct import_note note = {
            .fate = p == last ? fate : IMPORT_LEFT_OUT,
            .place = {pi->main_file, p->line},
            .what = arena_printf(pi->im->arena, SPAN_FMT " = " SPAN_FMT "%s", SPAN_ARG(p->name),
                                 SPAN_ARG(span_head(p->value, SHOWN_MAX)),
                                 p->value.n > SHOWN_MAX ? "..." : ""),
            .became = p == last ? span_of(became) : SPAN_NONE,
            .why = p == last ? span_of(why) : SPAN("a later line sets it again"),
        };
        if (!pi->noted[i] || p == last)
            import_note(pi->im, note);
        pi->noted[i] = true;
    }
}

void parameter_became(struct postfix_import *pi, const char *name, const char *became,
                      const char *why)
{
    note_parameter(pi, name, why ? IMPORT_APPROXIMATED : IMPORT_TRANSLATED, became, why);
}

void parameter_left(struct postfix_import *pi, const char *name, const char *why)
{
    note_parameter(pi, name, IMPORT_LEFT_OUT, NULL, why);
}

void item_note(struct postfix_import *pi, enum import_fate fate, const struct postfix_item *item,
               const char *what, struct span became, const char *why)
{
    import_note(pi->im, (struct import_note){
                            .fate = fate,
                            .place = item->place,
                            .what = arena_printf(pi->im->arena, "%s%s" SPAN_FMT "%s" SPAN_FMT, what,
                                                 *what ? " " : "", SPAN_ARG(item->text),
                                                 item->value.n ? " " : "", SPAN_ARG(item->value)),
                            .became = became,
                            .why = span_of(why),
                        });
}

/* ---- values ---- */

bool postfix_is_set(const struct postfix_import *pi, const char *name)
{
    return postfix_parameter(&pi->conf, span_of(name)) != NULL;
}

struct span postfix_value(struct postfix_import *pi, const struct postfix_service *service,
                          const char *name)
{
    struct span value = SPAN_NONE;
    enum err err = postfix_get(&pi->conf, service, span_of(name), &value);
    if (err != OK)
        parameter_left(pi, name,
                       err == ERR_LIMIT    ? "it names itself, or grows without end"
                       : err == ERR_SYNTAX ? "its braces do not match"
                                           : "an operator in ${...} is not known");
    return value;
}

bool postfix_is_yes(struct postfix_import *pi, const struct postfix_service *service,
                    const char *name)
{
    return span_ieq(postfix_value(pi, service, name), SPAN("yes"));
}

/* ---- lists and tables ---- */

static void add_item(struct postfix_import *pi, struct postfix_items *list,
                     struct postfix_item item)
{
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        struct postfix_item *more = ARENA_ARRAY(pi->im->arena, struct postfix_item, list->room);
        if (list->count)
            memcpy(more, list->items, list->count * sizeof(*more));
        list->items = more;
    }
    if (list->count < POSTFIX_LINES_MAX)
        list->items[list->count++] = item;
}

static struct span path_of(struct postfix_import *pi, struct span name)
{
    static const char usual[] = "/etc/postfix/";
    /* In a copy of the folder, what its files name lies in the copy. */
    if (span_starts(name, SPAN(usual)))
        name = span_skip(name, sizeof(usual) - 1);
    if (span_starts(name, SPAN("/")))
        return name;
    return arena_printf(pi->im->arena, SPAN_FMT "/" SPAN_FMT, SPAN_ARG(pi->wishes->folder),
                        SPAN_ARG(name));
}

static void note_unread(struct postfix_import *pi, struct import_place place, struct span spec,
                        struct span why)
{
    import_note(pi->im, (struct import_note){.fate = IMPORT_LEFT_OUT,
                                             .place = place,
                                             .what = spec,
                                             .why = arena_copy(pi->im->arena, why)});
}

static bool read_file(struct postfix_import *pi, struct import_place place, struct span path,
                      struct span *content)
{
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    bool good = ++pi->files_read <= FILES_MAX;
    if (!good)
        buf_addf(&why, "more than %d files are named", FILES_MAX);
    if (good)
        good = pi->wishes->read(pi->wishes->context, path, pi->im->arena, content, &why);
    if (!good && pi->files_read <= FILES_MAX + 1)
        note_unread(pi, place, path, buf_span(&why));
    buf_done(&why);
    return good;
}

/* The entries of one "type:name" behind those of the list. */
static void add_table(struct postfix_import *pi, struct postfix_items *list,
                      struct import_place place, struct span spec)
{
    struct span name, content;
    struct postfix_table table = {0};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    enum postfix_source source = postfix_table_source(spec, &name);
    enum err err = ERR_UNSUPPORTED;
    if (source == POSTFIX_FOREIGN)
        buf_add_text(&why, "a table of this type has no list that could be read");
    if (source == POSTFIX_INLINE)
        err = postfix_inline_read(pi->im->arena, name, &table, &why);
    if (source == POSTFIX_FILE) {
        struct span path = path_of(pi, name);
        if (!read_file(pi, place, path, &content)) {
            buf_done(&why);
            return;
        }
        place.file = path;
        err = postfix_table_read(pi->im->arena, content, &table, &why);
    }
    if (err != OK)
        note_unread(pi, place, spec, buf_span(&why));
    buf_done(&why);
    for (size_t i = 0; i < table.count; i++) {
        const struct postfix_entry *e = &table.entries[i];
        struct import_place at = {place.file, e->line ? e->line : place.line};
        add_item(pi, list, (struct postfix_item){e->key, e->value, at});
    }
}

static void add_words(struct postfix_import *pi, struct postfix_items *list, struct span text,
                      struct import_place place, unsigned depth)
{
    struct span word, name, content;
    while (postfix_word(&text, true, &word)) {
        enum postfix_source source = postfix_table_source(word, &name);
        if (span_starts(word, SPAN("/"))) {
            struct postfix_lines lines;
            struct import_place at = {word, 0};
            struct span one;
            at.file = path_of(pi, word);
            if (depth == LIST_DEPTH_MAX) {
                note_unread(pi, place, word, SPAN("files name files too deeply"));
                continue;
            }
            if (!read_file(pi, place, at.file, &content))
                continue;
            lines = postfix_lines(content);
            while (postfix_lines_next(&lines, pi->im->arena, &one, &at.line))
                add_words(pi, list, one, at, depth + 1);
        } else if (source == POSTFIX_NO_TABLE) {
            add_item(pi, list, (struct postfix_item){.text = word, .place = place});
        } else {
            add_table(pi, list, place, word);
        }
    }
}

static struct import_place place_of(const struct postfix_import *pi,
                                    const struct postfix_service *service, const char *name)
{
    for (size_t i = 0; service && i < service->override_count; i++)
        if (span_eq(service->overrides[i].name, span_of(name)))
            return (struct import_place){pi->master_file, service->line};
    const struct postfix_parameter *p = postfix_parameter(&pi->conf, span_of(name));
    return (struct import_place){pi->main_file, p ? p->line : 0};
}

struct postfix_items postfix_list(struct postfix_import *pi, const struct postfix_service *service,
                                  const char *name)
{
    struct postfix_items list = {0};
    add_words(pi, &list, postfix_value(pi, service, name), place_of(pi, service, name), 0);
    return list;
}

struct postfix_items postfix_tables(struct postfix_import *pi, const char *name)
{
    struct postfix_items list = {0};
    struct span rest = postfix_value(pi, NULL, name), word;
    while (postfix_word(&rest, true, &word))
        add_table(pi, &list, place_of(pi, NULL, name), word);
    return list;
}

/* ---- numbers ---- */

static bool read_number(struct postfix_import *pi, const struct postfix_service *service,
                        const struct postfix_number *n, uint64_t *value)
{
    struct span text = postfix_value(pi, service, n->parameter);
    bool read = n->unit ? postfix_time(text, n->unit, value) : postfix_time(text, 's', value);
    if (read && !n->unit)
        *value /= 1000;
    if (read && *value == 0 && n->zero_is_unlimited)
        *value = UNLIMITED;
    return read;
}

void postfix_numbers(struct postfix_import *pi, const struct postfix_service *service,
                     const struct schema_map *keys, struct import_path at,
                     const struct postfix_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct schema_key *key = schema_find(keys, span_of(numbers[i].key));
        uint64_t value;
        bool clamped;
        if (!read_number(pi, service, &numbers[i], &value))
            continue;
        struct span text = import_number(pi->im->arena, key, value, &clamped);
        if (!import_is_default(key, text))
            import_set(pi->im, import_path_below(at, key->name), text);
    }
}

void postfix_numbers_note(struct postfix_import *pi, const char *section,
                          const struct postfix_number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct postfix_number *n = &numbers[i];
        if (!postfix_is_set(pi, n->parameter))
            continue;
        uint64_t value;
        struct span became = arena_printf(pi->im->arena, "%s.%s", section, n->key);
        if (read_number(pi, NULL, n, &value))
            parameter_became(pi, n->parameter, became.p, NULL);
        else
            parameter_left(pi, n->parameter, "the value cannot be read");
    }
}

/* ---- the whole ---- */

static enum err read_main(struct postfix_import *pi, struct buf *why)
{
    struct span text;
    if (!pi->wishes->read(pi->wishes->context, pi->main_file, pi->im->arena, &text, why))
        return ERR_REFUSED;
    struct buf reason = BUF_INIT(BUF_UNLIMITED);
    enum err err = postfix_main_read(&pi->conf, text, &reason);
    if (err != OK)
        buf_addf(why, SPAN_FMT ": " SPAN_FMT, SPAN_ARG(pi->main_file), SPAN_ARG(buf_span(&reason)));
    buf_done(&reason);
    return err;
}

/* Without master.cf there is one smtpd on port 25. */
static enum err read_master(struct postfix_import *pi, struct buf *why)
{
    struct span text;
    struct buf reason = BUF_INIT(BUF_UNLIMITED);
    bool found =
        pi->wishes->read(pi->wishes->context, pi->master_file, pi->im->arena, &text, &reason);
    if (!found) {
        note_unread(pi, (struct import_place){pi->master_file, 0}, SPAN("master.cf"),
                    SPAN("it cannot be read: one smtpd on port 25 is assumed"));
        text = SPAN("smtp inet n - y - - smtpd\n");
    }
    buf_reset(&reason);
    enum err err = postfix_master_read(&pi->conf, text, &reason);
    if (err != OK)
        buf_addf(why, SPAN_FMT ": " SPAN_FMT, SPAN_ARG(pi->master_file),
                 SPAN_ARG(buf_span(&reason)));
    buf_done(&reason);
    return err;
}

static enum err set_hostname(struct postfix_import *pi, struct buf *why, struct span *remedy)
{
    struct span name = pi->wishes->hostname;
    if (name.n == 0)
        name = postfix_value(pi, NULL, "myhostname");
    if (name.n == 0) {
        buf_add_text(why, "myhostname is not set, and this machine has no full name");
        *remedy = SPAN("say it: --hostname mail.example.com");
        return ERR_REFUSED;
    }
    import_set(pi->im, import_path("hostname", SPAN_NONE, NULL), name);
    parameter_became(pi, "myhostname", "hostname", NULL);
    return OK;
}

enum err import_postfix(struct import *im, const struct import_postfix_wishes *wishes,
                        struct buf *why, struct span *remedy)
{
    struct postfix_import pi = {.im = im, .wishes = wishes};
    pi.conf =
        (struct postfix_conf){.arena = im->arena, .host = wishes->host, .folder = wishes->folder};
    pi.main_file = path_of(&pi, SPAN("main.cf"));
    pi.master_file = path_of(&pi, SPAN("master.cf"));
    *remedy = SPAN("name the folder that holds main.cf and master.cf, such as /etc/postfix");
    enum err err = read_main(&pi, why);
    if (err == OK)
        err = read_master(&pi, why);
    if (err != OK)
        return ERR_REFUSED;
    pi.noted = ARENA_ARRAY(im->arena, bool, pi.conf.parameter_count + 1);
    if (set_hostname(&pi, why, remedy) != OK)
        return ERR_REFUSED;
    import_postfix_domains(&pi);
    import_postfix_receive(&pi);
    import_postfix_send(&pi);
    import_postfix_rest(&pi);
    return OK;
}
