#include "service/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "cert/chain.h"
#include "io/trust.h"
#include "service/snapshot_tls.h"
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

static void destroy(struct snapshot *s)
{
    for (size_t i = 0; s->receive_tls && i < s->document->receive_connector_count; i++) {
        SSL_CTX_free(s->receive_tls[i].context);
        snapshot_names_free(s->receive_tls[i].names);
    }
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
        snapshot_prepare_receive(s, &s->receive_tls[i]);
    }
    s->send_tls = ARENA_ARRAY(&s->arena, struct send_tls_context, document->send_connector_count);
    enum err err = OK;
    for (size_t i = 0; i < document->send_connector_count && err == OK; i++) {
        s->send_tls[i].connector = &document->send_connectors[i];
        err = snapshot_prepare_send(s, &s->send_tls[i], why);
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

bool snapshots_are_empty(struct world *world)
{
    pthread_mutex_lock(&world->snapshots->lock);
    bool empty = !world->snapshots->current;
    pthread_mutex_unlock(&world->snapshots->lock);
    return empty;
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
