#include <jansson.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "cert/ari.h"
#include "io/fetch.h"
#include "service/renew_private.h"

enum { FETCH_TIMEOUT_MS = 30000, ID_MAX = 1024 };

struct ari {
    struct arena arena;
    struct world *world;
    struct workers *workers;
    struct fetch *fetch;
    struct span trust_file, id;
    ari_fn *fn;
    void *context;
};

void ari_give_up(struct ari *ari)
{
    if (ari)
        fetch_give_up(ari->fetch);
}

static void release(struct ari *a)
{
    arena_done(&a->arena);
    free(a);
}

void ari_free(struct ari *ari)
{
    if (!ari)
        return;
    fetch_free(ari->fetch);
    release(ari);
}

static void finish(struct ari *a, struct ari_end end)
{
    a->fn(a->context, &end);
    release(a);
}

static void finish_without(struct ari *a, bool answered, int64_t retry_after_s, struct span why)
{
    finish(a, (struct ari_end){.answered = answered, .retry_after_s = retry_after_s, .why = why});
}

static void get(struct ari *a, struct span url, fetch_fn *fn)
{
    struct fetch_request request = {
        .url = url, .trust_file = a->trust_file, .timeout_ms = FETCH_TIMEOUT_MS};
    a->fetch = fetch_start(a->workers, a->world->main_loop, &request, fn, a);
}

/* The answer's JSON, or NULL with *why. */
static json_t *read_answer(struct ari *a, const struct fetch_answer *answer, struct span *why)
{
    json_t *json = NULL;
    if (answer->err != OK)
        *why = arena_copy(&a->arena, answer->why);
    else if (answer->status != 200)
        *why = arena_printf(&a->arena, "HTTP status %d", answer->status);
    else if (!(json = json_loadb(answer->body.p ? answer->body.p : "", answer->body.n, 0, NULL)))
        *why = SPAN("the answer is not JSON");
    return json;
}

static bool read_time(const json_t *window, const char *key, int64_t *ms)
{
    const char *text = json_string_value(json_object_get(window, key));
    return text && ari_parse_time(span_of(text), ms) == OK;
}

static void on_window(void *context, const struct fetch_answer *answer)
{
    struct ari *a = context;
    struct span why = SPAN_NONE;
    struct ari_end end = {.answered = true, .retry_after_s = answer->retry_after_s};
    json_t *json = read_answer(a, answer, &why);
    if (!json) {
        /* 404: not a certificate of theirs, so what an earlier answer said is void as well. */
        bool answered = answer->err == OK && answer->status == 404;
        finish_without(a, answered, answer->retry_after_s, why);
        return;
    }
    const json_t *window = json_object_get(json, "suggestedWindow");
    end.has_window = read_time(window, "start", &end.window_start_ms) &&
                     read_time(window, "end", &end.window_end_ms);
    if (!end.has_window)
        end.why = SPAN("the answer has no usable suggestedWindow");
    json_decref(json);
    finish(a, end);
}

static void on_directory(void *context, const struct fetch_answer *answer)
{
    struct ari *a = context;
    struct span why = SPAN_NONE;
    json_t *json = read_answer(a, answer, &why);
    const char *base = json_string_value(json_object_get(json, "renewalInfo"));
    struct span url =
        base ? arena_printf(&a->arena, "%s/" SPAN_FMT, base, SPAN_ARG(a->id)) : SPAN_NONE;
    bool answered = json != NULL;
    json_decref(json);
    if (url.n)
        get(a, url, on_window);
    else
        finish_without(a, answered, -1,
                       answered ? SPAN("the authority does not offer renewal information") : why);
}

struct ari *ari_start(struct world *world, struct workers *workers, const struct acme_conf *conf,
                      const struct certificate *certificate, ari_fn *fn, void *context)
{
    struct buf id = BUF_INIT(ID_MAX);
    struct ari *a = NULL;
    if (ari_certificate_id(certificate->leaf, &id) == OK) {
        a = calloc(1, sizeof(*a));
        if (!a)
            abort();
        a->world = world;
        a->workers = workers;
        a->trust_file = arena_copy(&a->arena, conf->trust_file);
        a->id = arena_copy(&a->arena, buf_span(&id));
        a->fn = fn;
        a->context = context;
        get(a, conf->directory, on_directory);
    }
    buf_done(&id);
    return a;
}
