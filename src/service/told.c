#include "service/told.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "store/events.h"

enum { EVENT_MENDED = 50001 };

struct entry {
    struct arena arena;
    struct span key, what; /* what: subject and name, without the cause */
    struct span subject, name;
    uint64_t look; /* the last one that found it */
};

struct told {
    struct world *world;
    struct map entries; /* key -> entry */
    uint64_t look;
};

struct told *told_new(struct world *world)
{
    struct told *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->world = world;
    map_init(&t->entries);
    return t;
}

static void entry_free(struct entry *e)
{
    arena_done(&e->arena);
    free(e);
}

static void free_value(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    entry_free(value);
}

void told_free(struct told *told)
{
    if (!told)
        return;
    map_each(&told->entries, free_value, NULL);
    map_done(&told->entries);
    free(told);
}

void told_begin(struct told *told)
{
    told->look++;
}

static void record(struct told *t, const struct finding *f)
{
    static const enum log_level levels[] = {
        [FINDING_GREEN] = LOG_INFO, [FINDING_YELLOW] = LOG_WARNING, [FINDING_RED] = LOG_ERROR};
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = f->event,
        .level = levels[f->severity],
        .name = f->name,
        .subject = f->subject,
        .text = f->evidence.n ? arena_printf(&arena, SPAN_FMT ": " SPAN_FMT, SPAN_ARG(f->cause),
                                             SPAN_ARG(f->evidence))
                              : f->cause,
        .consequence = f->consequence,
        .remedy = f->remedy,
    };
    events_add(t->world->store, &event);
    LOG(event.level, arena_text(&arena, f->name), LOG_N("id", event.id),
        LOG_S("subject", f->subject), LOG_S("text", event.text),
        LOG_S("consequence", event.consequence), LOG_S("remedy", event.remedy));
    arena_done(&arena);
}

static void record_mended(struct told *t, const struct entry *e)
{
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = EVENT_MENDED,
        .level = LOG_INFO,
        .name = SPAN("mended"),
        .subject = e->subject,
        .text = arena_printf(&arena, "mended: " SPAN_FMT, SPAN_ARG(e->name)),
    };
    events_add(t->world->store, &event);
    LOG(LOG_INFO, "mended", LOG_S("subject", e->subject), LOG_S("finding", e->name));
    arena_done(&arena);
}

void told_add(struct told *told, const struct finding *f)
{
    struct arena arena = ARENA_INIT;
    struct span what =
        arena_printf(&arena, SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(f->subject), SPAN_ARG(f->name));
    struct span key =
        f->stage ? arena_printf(&arena, SPAN_FMT "\n%u", SPAN_ARG(what), f->stage)
                 : arena_printf(&arena, SPAN_FMT "\n" SPAN_FMT, SPAN_ARG(what), SPAN_ARG(f->cause));
    struct entry *e = map_get(&told->entries, key);
    if (!e) {
        e = calloc(1, sizeof(*e));
        if (!e)
            abort();
        e->key = arena_copy(&e->arena, key);
        e->what = arena_copy(&e->arena, what);
        e->subject = arena_copy(&e->arena, f->subject);
        e->name = arena_copy(&e->arena, f->name);
        map_set(&told->entries, key, e);
        record(told, f);
    }
    e->look = told->look;
    arena_done(&arena);
}

struct gone {
    struct told *told;
    struct entry **items;
    size_t count;
    struct map present; /* what is still found, perhaps for another cause */
};

static void sort_out(struct span key, void *value, void *context)
{
    struct gone *gone = context;
    struct entry *e = value;
    (void)key;
    if (e->look == gone->told->look)
        map_set(&gone->present, e->what, e);
    else
        gone->items[gone->count++] = e;
}

void told_end(struct told *told)
{
    struct arena arena = ARENA_INIT;
    struct gone gone = {told, ARENA_ARRAY(&arena, struct entry *, told->entries.count), 0, {0}};
    map_init(&gone.present);
    map_each(&told->entries, sort_out, &gone);
    for (size_t i = 0; i < gone.count; i++) {
        struct entry *e = gone.items[i];
        if (!map_get(&gone.present, e->what)) {
            record_mended(told, e);
            map_set(&gone.present, e->what, e);
        }
    }
    for (size_t i = 0; i < gone.count; i++) {
        map_remove(&told->entries, gone.items[i]->key);
        entry_free(gone.items[i]);
    }
    map_done(&gone.present);
    arena_done(&arena);
}
