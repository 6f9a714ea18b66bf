#include "service/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cert/chain.h"
#include "io/tls.h"
#include "io/trust.h"
#include "service/world.h"

struct snapshots {
    pthread_mutex_t lock;
    struct snapshot *current;
};

static void collect_candidates(struct snapshot *s)
{
    s->certificate_count = s->set->count;
    s->certificates = ARENA_ARRAY(&s->arena, struct candidate, s->set->count);
    for (size_t i = 0; i < s->set->count; i++)
        s->certificates[i] = (struct candidate){
            s->set->items[i], certificate_chain_state(s->set->items[i], trust_system_roots())};
}

/* Last known good is the caller's affair: here a certificate either makes a tested context or a
 * fault. */
static void prepare_receive(struct snapshot *s, struct connector_tls *tls)
{
    const struct receive_connector *connector = tls->connector;
    if (connector->tls == RECEIVE_TLS_OFF)
        return;
    struct selection_request request = {connector->fqdn, SERVICE_SMTP, clock_now_ms(),
                                        s->certificates, s->certificate_count};
    tls->selection = certificate_select(&s->arena, &request);
    if (!tls->selection.chosen) {
        tls->fault = SPAN("no certificate in the store is usable for SMTP");
        return;
    }
    struct buf why = BUF_INIT(1024);
    if (tls_server_context(tls->selection.chosen, &tls->context, &why) != OK)
        tls->fault = arena_printf(&s->arena, "certificate %s cannot be used: " SPAN_FMT,
                                  tls->selection.chosen->thumbprint, SPAN_ARG(buf_span(&why)));
    else if (!tls->selection.name_covered)
        tls->fault =
            arena_printf(&s->arena, "no certificate covers " SPAN_FMT "; %s is served instead",
                         SPAN_ARG(connector->fqdn), tls->selection.chosen->thumbprint);
    else if (tls->selection.expired)
        tls->fault = arena_printf(&s->arena,
                                  "certificate %s for " SPAN_FMT " has expired and is still served",
                                  tls->selection.chosen->thumbprint, SPAN_ARG(connector->fqdn));
    buf_done(&why);
}

static enum err prepare_send(struct snapshot *s, struct send_tls_context *tls, struct buf *why)
{
    static const enum tls_verify verify[] = {TLS_VERIFY_NONE, TLS_VERIFY_CHAIN, TLS_VERIFY_NAME};
    const struct send_connector *connector = tls->connector;
    if (connector->tls == SEND_TLS_OFF)
        return OK;
    const char *trust =
        connector->tls_trust_file.n ? arena_text(&s->arena, connector->tls_trust_file) : NULL;
    buf_addf(why, "send-connectors." SPAN_FMT ": ", SPAN_ARG(connector->name));
    enum err err =
        tls_client_context(verify[connector->tls_verify], trust, NULL, &tls->context, why);
    if (err == OK)
        buf_reset(why);
    return err;
}

static void destroy(struct snapshot *s)
{
    for (size_t i = 0; s->receive_tls && i < s->document->receive_connector_count; i++)
        SSL_CTX_free(s->receive_tls[i].context);
    for (size_t i = 0; s->send_tls && i < s->document->send_connector_count; i++)
        SSL_CTX_free(s->send_tls[i].context);
    arena_done(&s->arena);
}

enum err snapshot_new(struct document *document, uint64_t revision, struct certificate_set *set,
                      struct snapshot **snapshot, struct buf *why)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    atomic_init(&s->references, 1);
    s->document = document;
    s->revision = revision;
    s->set = set;
    collect_candidates(s);
    s->receive_tls =
        ARENA_ARRAY(&s->arena, struct connector_tls, document->receive_connector_count);
    for (size_t i = 0; i < document->receive_connector_count; i++) {
        s->receive_tls[i].connector = &document->receive_connectors[i];
        prepare_receive(s, &s->receive_tls[i]);
    }
    s->send_tls = ARENA_ARRAY(&s->arena, struct send_tls_context, document->send_connector_count);
    enum err err = OK;
    for (size_t i = 0; i < document->send_connector_count && err == OK; i++) {
        s->send_tls[i].connector = &document->send_connectors[i];
        err = prepare_send(s, &s->send_tls[i], why);
    }
    if (err != OK) {
        destroy(s);
        free(s);
        return err;
    }
    certificate_set_keep(set);
    *snapshot = s;
    return OK;
}

struct snapshot *snapshot_keep(struct snapshot *s)
{
    atomic_fetch_add(&s->references, 1);
    return s;
}

void snapshot_release(struct snapshot *s)
{
    if (!s || atomic_fetch_sub(&s->references, 1) != 1)
        return;
    destroy(s);
    document_free(s->document);
    certificate_set_release(s->set);
    free(s);
}

struct snapshots *snapshots_new(void)
{
    struct snapshots *s = calloc(1, sizeof(*s));
    if (!s || pthread_mutex_init(&s->lock, NULL) != 0)
        abort();
    return s;
}

void snapshots_free(struct snapshots *s)
{
    if (!s)
        return;
    snapshot_release(s->current);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct snapshot *snapshot_current(struct world *world)
{
    pthread_mutex_lock(&world->snapshots->lock);
    struct snapshot *s = snapshot_keep(world->snapshots->current);
    pthread_mutex_unlock(&world->snapshots->lock);
    return s;
}

void snapshot_publish(struct world *world, struct snapshot *s)
{
    pthread_mutex_lock(&world->snapshots->lock);
    struct snapshot *before = world->snapshots->current;
    world->snapshots->current = s;
    pthread_mutex_unlock(&world->snapshots->lock);
    snapshot_release(before);
}

const struct connector_tls *snapshot_receive_tls(const struct snapshot *s,
                                                 const struct receive_connector *connector)
{
    return &s->receive_tls[connector - s->document->receive_connectors];
}

SSL_CTX *snapshot_send_tls(const struct snapshot *s, const struct send_connector *connector)
{
    return s->send_tls[connector - s->document->send_connectors].context;
}
