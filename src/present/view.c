#include "present/view.h"

#include "base/text.h"

bool view_presents(const struct receive_connector *connector)
{
    return connector->enabled && connector->tls != RECEIVE_TLS_OFF;
}

struct view view_make(struct arena *arena, const struct plan_state *state,
                      const struct certificate_set *set, int64_t now_ms)
{
    const struct document *d = state->document;
    struct view view = {.arena = arena, .state = *state, .set = set, .now_ms = now_ms};
    if (!d)
        return view;
    view.receive = ARENA_ARRAY(arena, struct selection, d->receive_connector_count);
    view.send = ARENA_ARRAY(arena, struct selection, d->send_connector_count);
    for (size_t i = 0; i < d->receive_connector_count; i++)
        if (view_presents(&d->receive_connectors[i]))
            view.receive[i] = plan_select(arena, state, &d->receive_connectors[i], now_ms);
    for (size_t i = 0; i < d->send_connector_count; i++)
        if (d->send_connectors[i].enabled)
            view.send[i] = plan_select_client(arena, state, &d->send_connectors[i], now_ms);
    view.superseded_count = plan_superseded(arena, state, now_ms, &view.superseded);
    return view;
}

enum { PLAIN_MAX = CERT_THUMBPRINT_HEX };

/* False: it holds something that is in no thumbprint, or too much of it. */
static bool plain(struct span given, char text[PLAIN_MAX], size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < given.n; i++) {
        if (given.p[i] == ' ' || given.p[i] == ':')
            continue;
        if (*n == PLAIN_MAX - 1 || text_hex(given.p[i]) < 0)
            return false;
        text[(*n)++] = given.p[i];
    }
    return true;
}

enum view_lookup view_find(const struct certificate_set *set, struct span thumbprint, size_t *at)
{
    char text[PLAIN_MAX];
    size_t n, found = 0, place = 0;
    if (!plain(thumbprint, text, &n))
        return VIEW_UNKNOWN;
    if (n < VIEW_PREFIX_MIN)
        return VIEW_TOO_SHORT;
    for (size_t i = 0; i < set->count; i++)
        if (span_istarts(span_of(set->items[i]->thumbprint), span_make(text, n))) {
            found++;
            place = i;
        }
    if (found != 1)
        return found ? VIEW_AMBIGUOUS : VIEW_UNKNOWN;
    *at = place;
    return VIEW_FOUND;
}

struct span view_lookup_text(struct arena *arena, enum view_lookup lookup, struct span thumbprint)
{
    static const char *const formats[] = {
        [VIEW_FOUND] = "certificate " SPAN_FMT,
        [VIEW_UNKNOWN] = "no certificate has the thumbprint " SPAN_FMT,
        [VIEW_AMBIGUOUS] = "several certificates have thumbprints that begin with " SPAN_FMT,
        [VIEW_TOO_SHORT] = SPAN_FMT " is too little of a thumbprint",
    };
    return arena_printf(arena, formats[lookup], SPAN_ARG(thumbprint));
}

const char *view_lookup_remedy(enum view_lookup lookup)
{
    return lookup == VIEW_UNKNOWN ? "list them with: sealpost cert list"
                                  : "give more digits, at least four";
}
