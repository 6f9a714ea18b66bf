#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/tls.h"
#include "policy/plan.h"
#include "service/snapshot_tls.h"

enum { KINDS = TLS_KEYS_OTHER + 1 };

struct named_context {
    bool tried;
    SSL_CTX *context; /* NULL: cannot be built */
};

struct connector_names {
    const struct snapshot *snapshot;
    const struct connector_tls *tls;
    struct tls_names callback;
    pthread_mutex_t lock;
    struct named_context *contexts; /* one per candidate */
};

/* What a client gets that asks for a name: at most one certificate per kind of key. */
struct set {
    const struct certificate *items[KINDS + 1];
    size_t count;
};

static bool has_kind(const struct set *set, enum tls_keys kind)
{
    for (size_t i = 0; i < set->count; i++)
        if (tls_keys_of(set->items[i]) == kind)
            return true;
    return false;
}

static void add_kind(struct set *set, const struct certificate *c)
{
    if (c && !has_kind(set, tls_keys_of(c)))
        set->items[set->count++] = c;
}

/* A P-384 key in place of a P-256 one would turn away clients that know only the latter; any other
 * certificate takes only the place of one that the same clients can verify. */
static bool may_stand_for(const struct certificate *c, const struct certificate *own)
{
    return !own || tls_keys_of(c) != tls_keys_of(own) || span_eq(c->key_type, own->key_type) ||
           span_eq(c->key_type, SPAN("ECDSA P-256")) || tls_keys_of(c) == TLS_KEYS_RSA;
}

static const struct certificate *find(const struct connector_names *n, struct span host)
{
    struct arena arena = ARENA_INIT;
    struct plan_state state = {n->snapshot->document, n->snapshot->certificates,
                               n->snapshot->certificate_count};
    struct selection_request request =
        plan_request(&arena, &state, n->tls->connector, clock_now_ms());
    const struct selection *own = &n->tls->selection;
    const struct certificate *c = certificate_select_sni(&arena, &request, own, host);
    arena_done(&arena);
    return c && may_stand_for(c, own->chosen) && may_stand_for(c, own->other_type) ? c : NULL;
}

/* Under the lock. */
static void build(struct connector_names *n, struct named_context *named,
                  const struct certificate *c)
{
    struct set set = {{c}, 1};
    struct buf why = BUF_INIT(1024);
    add_kind(&set, n->tls->selection.chosen);
    add_kind(&set, n->tls->selection.other_type);
    named->tried = true;
    if (tls_server_context_of(set.items, set.count, &named->context, &why) != OK)
        LOG(LOG_WARNING, "certificate-not-usable", LOG_S("connector", n->tls->connector->name),
            LOG_T("thumbprint", c->thumbprint), LOG_S("why", buf_span(&why)));
    buf_done(&why);
}

static SSL_CTX *choose(void *context, struct span host)
{
    struct connector_names *n = context;
    if (span_ieq(host, n->tls->connector->fqdn))
        return NULL;
    const struct certificate *c = find(n, host);
    if (!c)
        return NULL;
    size_t at = 0;
    while (n->snapshot->certificates[at].certificate != c)
        at++;
    struct named_context *named = &n->contexts[at];
    pthread_mutex_lock(&n->lock);
    if (!named->tried)
        build(n, named, c);
    SSL_CTX *ctx = named->context;
    pthread_mutex_unlock(&n->lock);
    return ctx;
}

struct connector_names *snapshot_names_new(const struct snapshot *s,
                                           const struct connector_tls *tls)
{
    struct connector_names *n = calloc(1, sizeof(*n));
    if (!n || pthread_mutex_init(&n->lock, NULL) != 0)
        abort();
    n->snapshot = s;
    n->tls = tls;
    n->callback = (struct tls_names){choose, n};
    n->contexts = calloc(s->certificate_count, sizeof(*n->contexts));
    if (!n->contexts)
        abort();
    tls_server_set_names(tls->context, &n->callback);
    return n;
}

void snapshot_names_free(struct connector_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->snapshot->certificate_count; i++)
        SSL_CTX_free(names->contexts[i].context);
    free(names->contexts);
    pthread_mutex_destroy(&names->lock);
    free(names);
}
