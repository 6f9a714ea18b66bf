#include "present/import_json.h"

#include "base/text.h"
#include "conf/yaml_out.h"
#include "present/json.h"

enum { ROUNDS_MAX = 50 }; /* one takes back all that one check finds */

static json_t *scalar(struct span text)
{
    if (span_eq(text, SPAN("true")) || span_eq(text, SPAN("false")))
        return json_boolean(span_eq(text, SPAN("true")));
    return present_text(text);
}

/* The map at a name, made where there is none. */
static json_t *map_at(json_t *object, struct arena *arena, struct span name)
{
    const char *key = arena_text(arena, name);
    json_t *map = json_object_get(object, key);
    if (!map) {
        map = json_object();
        present_set(object, key, map);
    }
    return map;
}

static void add_setting(json_t *document, struct arena *arena, const struct import_setting *s)
{
    json_t *at = document;
    for (size_t i = 0; i + 1 < s->path.depth; i++)
        at = map_at(at, arena, s->path.part[i]);
    json_t *value = s->list ? present_texts(s->texts, s->count) : scalar(s->texts[0]);
    present_set(at, arena_text(arena, s->path.part[s->path.depth - 1]), value);
}

static void add_domains(json_t *document, const struct import *im)
{
    json_t *list = json_array();
    for (size_t i = 0; i < im->domain_count; i++) {
        const struct import_domain *domain = &im->domains[i];
        if (domain->dropped)
            continue;
        json_t *item = present_text(domain->pattern);
        if (domain->relay) {
            json_t *map = json_object();
            present_set(map, "domain", item);
            present_set(map, "type", json_string("relay"));
            item = map;
        }
        present_push(list, item);
    }
    if (json_array_size(list))
        present_set(document, "accepted-domains", list);
    else
        json_decref(list);
}

/* In the order in which the reference names the sections. */
static json_t *document_of(const struct import *im)
{
    static const char *const first[] = {"hostname", "receive-connectors", "send-connectors"};
    struct arena arena = ARENA_INIT;
    json_t *document = json_object();
    for (size_t pass = 0; pass <= COUNT_OF(first); pass++) {
        for (size_t i = 0; i < im->setting_count; i++) {
            const struct import_setting *s = &im->settings[i];
            size_t section = 0;
            while (section < COUNT_OF(first) && !span_eq(s->path.part[0], span_of(first[section])))
                section++;
            if (!s->dropped && section == pass)
                add_setting(document, &arena, s);
        }
        if (pass == 0)
            add_domains(document, im);
    }
    arena_done(&arena);
    return document;
}

static bool take_back(struct import *im, const struct problems *problems)
{
    bool changed = false;
    /* From the end, as taking back a domain moves those behind it. */
    for (size_t i = problems->count; i-- > 0;) {
        const struct problem *p = &problems->items[i];
        if (!p->warning)
            changed |= import_drop(im, arena_copy(im->arena, p->path), p->text);
    }
    return changed;
}

enum err import_write(struct import *im, struct buf *yaml, struct problems *problems)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct document *document = NULL;
        json_t *value = document_of(im);
        buf_reset(yaml);
        yaml_write(yaml, value);
        json_decref(value);
        problems_done(problems);
        if (document_parse(buf_span(yaml), problems, &document) == OK) {
            document_free(document);
            return OK;
        }
        if (!take_back(im, problems))
            return ERR_REFUSED;
    }
    return ERR_REFUSED;
}

const char *import_fate_text(enum import_fate fate)
{
    static const char *const texts[] = {[IMPORT_TRANSLATED] = "translated",
                                        [IMPORT_APPROXIMATED] = "approximated",
                                        [IMPORT_LEFT_OUT] = "left out"};
    return texts[fate];
}

json_t *import_to_json(const struct import *im, struct span yaml)
{
    json_t *value = json_object(), *notes = json_array();
    json_int_t counts[3] = {0};
    for (size_t i = 0; i < im->note_count; i++) {
        const struct import_note *n = &im->notes[i];
        json_t *note = json_object();
        counts[n->fate]++;
        present_set(note, "fate", json_string(import_fate_text(n->fate)));
        present_set(note, "file", present_text_or_null(n->place.file));
        present_set(note, "line", n->place.line ? json_integer(n->place.line) : json_null());
        present_set(note, "what", present_text(n->what));
        present_set(note, "became", present_text_or_null(n->became));
        present_set(note, "why", present_text_or_null(n->why));
        present_push(notes, note);
    }
    present_set(value, "document", document_of(im));
    present_set(value, "yaml", present_text(yaml));
    present_set(value, "translated", json_integer(counts[IMPORT_TRANSLATED]));
    present_set(value, "approximated", json_integer(counts[IMPORT_APPROXIMATED]));
    present_set(value, "left-out", json_integer(counts[IMPORT_LEFT_OUT]));
    present_set(value, "notes", notes);
    return value;
}
