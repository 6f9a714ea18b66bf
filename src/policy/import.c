#include "policy/import.h"

#include "base/num.h"
#include "base/text.h"

enum { NAME_LETTERS_MAX = 64 }; /* the document's limit */

void import_init(struct import *im, struct arena *arena)
{
    *im = (struct import){.arena = arena};
}

/* Room for one more; what is outgrown stays in the arena. */
static void *grown(struct arena *arena, void *items, size_t size, size_t count, size_t *room)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : 16;
    void *more = arena_alloc_array(arena, size, *room);
    if (count)
        memcpy(more, items, count * size);
    return more;
}

struct import_path import_path(const char *section, struct span name, const char *key)
{
    struct import_path path = {.part = {span_of(section)}, .depth = 1};
    if (name.n)
        path.part[path.depth++] = name;
    return key ? import_path_below(path, key) : path;
}

struct import_path import_path_below(struct import_path path, const char *key)
{
    if (path.depth < IMPORT_DEPTH_MAX)
        path.part[path.depth++] = span_of(key);
    return path;
}

/* As conf/tree writes names in paths. */
static void add_name(struct buf *out, struct span name)
{
    bool plain = name.n && span_find(name, '.') == name.n && span_find(name, '"') == name.n;
    if (plain) {
        buf_add(out, name);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, name.p[i]);
    }
    buf_add_char(out, '"');
}

struct span import_path_text(struct arena *arena, struct import_path path)
{
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i < path.depth; i++) {
        if (i)
            buf_add_char(&text, '.');
        add_name(&text, path.part[i]);
    }
    struct span copy = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

static bool path_eq(const struct import_path *a, const struct import_path *b)
{
    bool same = a->depth == b->depth;
    for (size_t i = 0; same && i < a->depth; i++)
        same = span_eq(a->part[i], b->part[i]);
    return same;
}

static struct import_setting *setting_at(const struct import *im, const struct import_path *path)
{
    for (size_t i = 0; i < im->setting_count; i++)
        if (!im->settings[i].dropped && path_eq(&im->settings[i].path, path))
            return &im->settings[i];
    return NULL;
}

const struct import_setting *import_get(const struct import *im, struct import_path path)
{
    return setting_at(im, &path);
}

static struct import_setting *setting_for(struct import *im, const struct import_path *path)
{
    struct import_setting *setting = setting_at(im, path);
    if (setting)
        return setting;
    im->settings =
        grown(im->arena, im->settings, sizeof(*im->settings), im->setting_count, &im->setting_room);
    setting = &im->settings[im->setting_count++];
    *setting = (struct import_setting){.path = *path, .shown = import_path_text(im->arena, *path)};
    return setting;
}

void import_set_list(struct import *im, struct import_path path, const struct span *texts,
                     size_t count)
{
    struct import_setting *setting = setting_for(im, &path);
    struct span *copy = ARENA_ARRAY(im->arena, struct span, count ? count : 1);
    for (size_t i = 0; i < count; i++)
        copy[i] = texts[i];
    setting->texts = copy;
    setting->count = count;
    setting->list = true;
}

void import_set(struct import *im, struct import_path path, struct span text)
{
    import_set_list(im, path, &text, 1);
    setting_for(im, &path)->list = false;
}

bool import_accept(struct import *im, struct span pattern, bool relay)
{
    if (im->domain_count == IMPORT_DOMAINS_MAX)
        return false;
    for (size_t i = 0; i < im->domain_count; i++)
        if (span_ieq(im->domains[i].pattern, pattern))
            return false;
    im->domains =
        grown(im->arena, im->domains, sizeof(*im->domains), im->domain_count, &im->domain_room);
    im->domains[im->domain_count++] = (struct import_domain){pattern, relay, false};
    return true;
}

void import_note(struct import *im, struct import_note note)
{
    im->notes = grown(im->arena, im->notes, sizeof(*im->notes), im->note_count, &im->note_room);
    im->notes[im->note_count++] = note;
}

/* ---- names ---- */

static bool name_is_taken(const struct import *im, const char *section, struct span name)
{
    for (size_t i = 0; i < im->setting_count; i++) {
        const struct import_path *path = &im->settings[i].path;
        if (path->depth > 1 && span_eq(path->part[0], span_of(section)) &&
            span_ieq(path->part[1], name))
            return true;
    }
    return false;
}

/* At most NAME_LETTERS_MAX letters of UTF-8, room for a number kept. */
static size_t fit_letters(struct span name, size_t most)
{
    size_t letters = 0, n = 0;
    for (; n < name.n; n++) {
        bool starts = ((unsigned char)name.p[n] & 0xC0) != 0x80;
        if (starts && letters == most)
            break;
        letters += starts;
    }
    return n;
}

struct span import_name(struct import *im, const char *section, struct span wanted)
{
    wanted = span_trim(wanted);
    char *text = arena_text(im->arena, wanted);
    for (size_t i = 0; i < wanted.n; i++)
        if (text[i] == '/' || !((unsigned char)text[i] >= 32) || text[i] == 127)
            text[i] = '-';
    struct span clean = span_make(text, wanted.n);
    if (clean.n == 0 || !text_is_utf8(clean))
        clean = SPAN("unnamed");
    clean = span_trim(span_head(clean, fit_letters(clean, NAME_LETTERS_MAX)));
    struct span name = clean;
    struct span stem = span_head(clean, fit_letters(clean, NAME_LETTERS_MAX - 6));
    for (unsigned i = 2; name_is_taken(im, section, name); i++)
        name = arena_printf(im->arena, SPAN_FMT " %u", SPAN_ARG(stem), i);
    return name;
}

/* ---- numbers ---- */

static void add_number(struct buf *out, const struct schema_key *key, uint64_t value)
{
    if (key->type == VALUE_SIZE)
        num_add_size(out, value);
    else if (key->type == VALUE_DURATION)
        num_add_duration(out, value);
    else
        buf_addf(out, "%llu", (unsigned long long)value);
}

struct span import_number(struct arena *arena, const struct schema_key *key, uint64_t value,
                          bool *clamped)
{
    *clamped = false;
    if (value == UNLIMITED && key->unlimited)
        return SPAN("unlimited");
    if (value < key->min || value > key->max) {
        *clamped = true;
        value = value < key->min ? key->min : key->max;
    }
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    add_number(&text, key, value);
    struct span copy = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

bool import_is_default(const struct schema_key *key, struct span text)
{
    return key->fallback && span_eq(text, span_of(key->fallback));
}

/* ---- taking back ---- */

static bool is_at_or_below(struct span path, struct span top)
{
    return span_starts(path, top) &&
           (path.n == top.n || path.p[top.n] == '.' || path.p[top.n] == '[');
}

/* Without these the connector works as before, only less of it. */
static bool can_go_alone(struct span key)
{
    static const char *const safe[] = {"fqdn",   "pin",       "partners",        "relay",
                                       "banner", "source-ip", "tls-certificate", "tls-trust-file",
                                       "retry",  "timeout",   "idle-timeout",    "tarpit",
                                       "port",   "pin-strict"};
    for (size_t i = 0; i < COUNT_OF(safe); i++)
        if (span_eq(key, span_of(safe[i])))
            return true;
    return span_starts(key, SPAN("max-"));
}

static void renounce(struct import *im, struct span top, struct span why)
{
    bool noted = false;
    for (size_t i = 0; i < im->note_count; i++) {
        struct import_note *note = &im->notes[i];
        if (note->fate == IMPORT_LEFT_OUT || !is_at_or_below(note->became, top))
            continue;
        *note = (struct import_note){IMPORT_LEFT_OUT, note->place, note->what, SPAN_NONE, why};
        noted = true;
    }
    if (!noted)
        import_note(im, (struct import_note){.fate = IMPORT_LEFT_OUT, .what = top, .why = why});
}

static bool drop_domain(struct import *im, struct span path, struct span why)
{
    struct span rest = path;
    if (!span_starts(path, SPAN("accepted-domains[")))
        return false;
    rest = span_skip(rest, sizeof("accepted-domains[") - 1);
    uint64_t index, at = 0;
    if (num_parse(span_head(rest, span_find(rest, ']')), im->domain_count, &index) != OK)
        return false;
    for (size_t i = 0; i < im->domain_count; i++) {
        struct import_domain *domain = &im->domains[i];
        if (domain->dropped || at++ != index)
            continue;
        domain->dropped = true;
        import_note(im, (struct import_note){.fate = IMPORT_LEFT_OUT,
                                             .what = arena_printf(im->arena, "the domain " SPAN_FMT,
                                                                  SPAN_ARG(domain->pattern)),
                                             .why = why});
        return true;
    }
    return false;
}

/* What has to go with what is wrong at `path`: the key alone, or its connector. */
static struct span widest(const struct import *im, struct span path)
{
    struct span top = SPAN_NONE;
    for (size_t i = 0; i < im->setting_count; i++) {
        const struct import_setting *s = &im->settings[i];
        if (s->dropped)
            continue;
        if (s->path.depth < 3 && is_at_or_below(path, s->shown))
            return s->shown;
        struct import_path above = s->path;
        above.depth = 2;
        struct span connector = import_path_text(im->arena, above);
        if (s->path.depth < 3 || !is_at_or_below(path, connector))
            continue;
        bool below = is_at_or_below(path, s->shown);
        bool over = path.n > connector.n && is_at_or_below(s->shown, path);
        if ((below || over) && can_go_alone(s->path.part[2]))
            return below ? s->shown : path;
        top = connector;
    }
    return top;
}

bool import_drop(struct import *im, struct span path, struct span why)
{
    why = arena_printf(im->arena, "the document does not allow it: " SPAN_FMT, SPAN_ARG(why));
    if (drop_domain(im, path, why))
        return true;
    struct span top = path.n ? widest(im, path) : SPAN_NONE;
    bool dropped = false;
    for (size_t i = 0; top.n && i < im->setting_count; i++) {
        struct import_setting *s = &im->settings[i];
        if (s->dropped || !is_at_or_below(s->shown, top))
            continue;
        s->dropped = true;
        dropped = true;
    }
    if (dropped)
        renounce(im, top, why);
    return dropped;
}
