#include "service/deliver.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/deliver_private.h"
#include "service/dns_resolver.h"

enum {
    STOP_GRACE_MS = 5000,
    MAILDIR_THREADS = 4,
    WAKES_AT_ONCE = 1000, /* then others on this loop get their turn */
};

/* ---- messages ---- */

static const char *intern(struct deliver *d, struct span domain)
{
    char *text = map_get(&d->domains, domain);
    if (text)
        return text;
    text = malloc(domain.n + 1);
    if (!text)
        abort();
    memcpy(text, domain.p, domain.n);
    text[domain.n] = '\0';
    map_set(&d->domains, domain, text);
    return text;
}

static struct pending_message *add_message(struct deliver *d, struct message_id id,
                                           int64_t received_ms, uint64_t size, size_t count)
{
    struct pending_message *m = calloc(1, sizeof(*m) + count * sizeof(struct pending));
    if (!m)
        abort();
    m->link.id = id;
    m->received_ms = received_ms;
    m->size = size;
    m->count = m->left = (uint32_t)count;
    for (uint32_t i = 0; i < m->count; i++)
        m->recipients[i].index = i;
    message_table_add(&d->messages, &m->link);
    return m;
}

static void run_hops_of(struct pending_message *m)
{
    /* By index, as a hop that runs may take further recipients of this message with it. */
    for (uint32_t i = 0; i < m->count; i++)
        if (m->recipients[i].state == PENDING_READY)
            hop_run(m->recipients[i].hop);
}

/* A next hop that failed has to take one message before the others get their turn. */
static bool waits_long(const struct pending_message *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct hop *hop = m->recipients[i].hop;
        if (hop_is_open(hop) && hop->health != HOP_FAILS)
            return false;
    }
    return true;
}

/* What the scheduler has to know of a message, in one piece of memory: it is made on one thread and
 * freed on another, for each message. */
struct arrived {
    struct deliver *deliver;
    struct message_id id;
    int64_t received_ms;
    uint64_t size;
    size_t count;
    struct span domains[]; /* their text stands behind them */
};

static struct arrived *arrived_new(struct deliver *d, const struct envelope *e)
{
    size_t text = 0;
    for (size_t i = 0; i < e->recipient_count; i++)
        text += e->recipients[i].domain.n;
    struct arrived *a = malloc(sizeof(*a) + e->recipient_count * sizeof(struct span) + text);
    if (!a)
        abort();
    a->deliver = d;
    a->id = e->id;
    a->received_ms = e->received_ms;
    a->size = e->size;
    a->count = e->recipient_count;
    char *at = (char *)&a->domains[a->count];
    for (size_t i = 0; i < a->count; i++) {
        struct span domain = e->recipients[i].domain;
        if (domain.n)
            memcpy(at, domain.p, domain.n);
        a->domains[i] = span_make(at, domain.n);
        at += domain.n;
    }
    return a;
}

static void on_arrived(void *context)
{
    struct arrived *a = context;
    struct deliver *d = a->deliver;
    struct pending_message *m = add_message(d, a->id, a->received_ms, a->size, a->count);
    for (size_t i = 0; i < a->count; i++) {
        struct pending *p = &m->recipients[i];
        p->wake.note = (uint32_t)i;
        p->domain = intern(d, a->domains[i]);
        pending_make_ready(d, p);
    }
    free(a);
    if (waits_long(m))
        queue_cool(d->world->store, m->link.id);
    if (!d->stopping)
        run_hops_of(m);
}

void deliver_add(struct deliver *d, const struct envelope *envelope)
{
    on_arrived(arrived_new(d, envelope));
}

void deliver_arrived(struct deliver *d, const struct envelope *envelope)
{
    loop_post(d->loop, on_arrived, arrived_new(d, envelope));
}

/* ---- time ---- */

static void on_wake(void *context)
{
    struct deliver *d = context;
    int64_t now = clock_now_ms();
    const struct wake *first;
    for (int i = 0; i < WAKES_AT_ONCE && (first = wake_first(&d->wakes)) && first->at_ms <= now;
         i++) {
        struct pending *p = LIST_OBJECT(first, struct pending, wake);
        if (p->state == PENDING_WAITING) {
            pending_make_ready(d, p);
            hop_run(p->hop);
        } else {
            job_judge(p);
        }
    }
    deliver_arm_wake_timer(d);
}

static void run_hop(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    hop_run(value);
}

static void on_time_passed(void *context)
{
    struct deliver *d = context;
    on_wake(d);
    map_each(&d->hops, run_hop, NULL);
}

void deliver_time_passed(struct deliver *d)
{
    loop_post(d->loop, on_time_passed, d);
}

/* ---- the administrator ---- */

struct acted {
    struct deliver *deliver;
    enum queue_action action;
    size_t count;
    struct queue_acted items[];
};

static void act(struct deliver *d, enum queue_action action, struct pending *p)
{
    if (p->state == PENDING_BUSY) { /* the outcome of the attempt meets what the store now says */
        if (action == QUEUE_ACTION_HOLD || action == QUEUE_ACTION_RELEASE) {
            p->held_meanwhile = action == QUEUE_ACTION_HOLD;
            p->released_meanwhile = action == QUEUE_ACTION_RELEASE;
        }
        return;
    }
    struct hop *hop;
    switch (action) {
    case QUEUE_ACTION_HOLD: pending_make_held(d, p); break;
    case QUEUE_ACTION_REMOVE: pending_end(d, p); break;
    case QUEUE_ACTION_RELEASE:
    case QUEUE_ACTION_RETRY:
        if (action == QUEUE_ACTION_RETRY && p->state == PENDING_HELD)
            break;
        pending_make_ready(d, p);
        hop = p->hop;
        if (action == QUEUE_ACTION_RETRY)
            hop_retry_now(hop);
        hop_run(hop);
        break;
    }
}

static void on_acted(void *context)
{
    struct acted *a = context;
    for (size_t i = 0; i < a->count; i++) {
        struct message_link *found = message_table_get(&a->deliver->messages, a->items[i].id);
        struct pending_message *m = found ? LIST_OBJECT(found, struct pending_message, link) : NULL;
        for (uint32_t j = 0; m && j < m->count; j++)
            if (m->recipients[j].state != PENDING_ENDED &&
                m->recipients[j].wake.note == a->items[i].recipient) {
                act(a->deliver, a->action, &m->recipients[j]);
                break;
            }
    }
    free(a);
}

void deliver_acted(struct deliver *d, enum queue_action action, const struct queue_acted *acted,
                   size_t count)
{
    struct acted *a = malloc(sizeof(*a) + count * sizeof(*acted));
    if (!a)
        abort();
    a->deliver = d;
    a->action = action;
    a->count = count;
    if (count)
        memcpy(a->items, acted, count * sizeof(*acted));
    loop_post(d->loop, on_acted, a);
}

/* ---- a new document ---- */

static void rebind(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    hop_rebind(value);
}

static void collect(struct message_link *link, void *context)
{
    struct pending_message ***next = context;
    *(*next)++ = LIST_OBJECT(link, struct pending_message, link);
}

static void reroute(struct deliver *d, struct pending_message **messages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < messages[i]->count; j++)
            if (messages[i]->recipients[j].state == PENDING_READY)
                pending_make_ready(d, &messages[i]->recipients[j]);
    for (size_t i = 0; i < count; i++)
        run_hops_of(messages[i]);
}

static enum err make_resolver(struct deliver *d, struct buf *why)
{
    return dns_resolver_new(d->loop, &d->snapshot->document->dns, &d->resolver, why);
}

/* Freed at the end only, as a lookup may be waiting for it; documents change seldom. */
struct retired_resolver {
    struct retired_resolver *next;
    struct resolver *resolver;
};

static void change_resolver(struct deliver *d)
{
    struct resolver *before = d->resolver;
    struct buf why = BUF_INIT(1024);
    if (make_resolver(d, &why) == OK) {
        struct retired_resolver *retired = malloc(sizeof(*retired));
        if (!retired)
            abort();
        *retired = (struct retired_resolver){d->retired, before};
        d->retired = retired;
    } else {
        d->resolver = before;
        LOG(LOG_ERROR, "resolver-not-changed", LOG_S("why", buf_span(&why)));
    }
    buf_done(&why);
}

static void on_document_changed(void *context)
{
    struct deliver *d = context;
    struct snapshot *before = d->snapshot;
    d->snapshot = snapshot_current(d->world);
    if (!dns_resolver_is_same(&before->document->dns, &d->snapshot->document->dns))
        change_resolver(d);
    map_each(&d->hops, rebind, NULL);
    size_t count = d->messages.count;
    struct pending_message **messages = calloc(count + 1, sizeof(struct pending_message *)),
                           **next = messages;
    if (!messages)
        abort();
    message_table_each(&d->messages, collect, (void *)&next);
    if (!d->stopping)
        reroute(d, messages, count);
    free((void *)messages);
    snapshot_release(before);
}

void deliver_document_changed(struct deliver *d)
{
    loop_post(d->loop, on_document_changed, d);
}

/* ---- beginning and end ---- */

struct filling {
    struct deliver *deliver;
    struct queue_pending *items; /* recipients of the message at hand */
    const char **domains;
    size_t count, capacity;
};

static void fill_message(struct filling *f)
{
    struct deliver *d = f->deliver;
    if (f->count == 0)
        return;
    struct pending_message *m =
        add_message(d, f->items[0].id, f->items[0].received_ms, f->items[0].size, f->count);
    for (size_t i = 0; i < f->count; i++) {
        struct pending *p = &m->recipients[i];
        p->wake.note = f->items[i].recipient;
        p->attempts = (uint16_t)f->items[i].attempts;
        p->domain = f->domains[i];
        if (f->items[i].state == RECIPIENT_HELD) {
            pending_make_ready(d, p); /* it belongs to a next hop all the same */
            pending_make_held(d, p);
        } else {
            pending_make_ready(d, p);
            if (f->items[i].next_attempt_ms > clock_now_ms())
                pending_make_waiting(d, p, f->items[i].next_attempt_ms);
        }
    }
    f->count = 0;
}

static void fill(void *context, const struct queue_pending *item)
{
    struct filling *f = context;
    if (f->count && !message_id_eq(f->items[0].id, item->id))
        fill_message(f);
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : 16;
        f->items = realloc(f->items, f->capacity * sizeof(*f->items));
        f->domains = realloc((void *)f->domains, f->capacity * sizeof(char *));
        if (!f->items || !f->domains)
            abort();
    }
    f->items[f->count] = *item;
    f->domains[f->count++] = intern(f->deliver, item->domain);
}

static void on_start(void *context)
{
    struct deliver *d = context;
    d->started = true;
    map_each(&d->hops, run_hop, NULL);
    deliver_arm_wake_timer(d);
}

static void check_stopped(struct deliver *d)
{
    if (d->stopping && list_is_empty(&d->jobs))
        atomic_store(&d->stopped, true);
}

static void on_stop_check(void *context)
{
    struct deliver *d = context;
    check_stopped(d);
    loop_timer_start(d->stop_timer, 20);
}

enum err deliver_new(struct world *world, struct deliver **deliver, struct buf *why)
{
    struct deliver *d = calloc(1, sizeof(*d));
    if (!d)
        abort();
    d->world = world;
    d->snapshot = snapshot_current(world);
    d->loop = loop_new();
    list_init(&d->jobs);
    map_init(&d->hops);
    map_init(&d->domains);
    map_init(&d->loads);
    d->wake_timer = loop_timer_new(d->loop, on_wake, d);
    d->stop_timer = loop_timer_new(d->loop, on_stop_check, d);
    d->patience_timer = loop_timer_new(d->loop, share_on_patience, d);
    d->workers = workers_new(MAILDIR_THREADS);
    struct filling f = {.deliver = d};
    enum err err = queue_each_pending(world->store, fill, &f);
    fill_message(&f);
    free(f.items);
    free((void *)f.domains);
    if (err != OK)
        buf_addf(why, "the queue cannot be read: %s", err_text(err));
    else
        err = make_resolver(d, why);
    if (err != OK) {
        deliver_free(d);
        return err;
    }
    *deliver = d;
    return OK;
}

enum err deliver_start(struct deliver *d)
{
    loop_post(d->loop, on_start, d);
    return loop_start(d->loop, "deliver");
}

static void close_idle(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    session_close_idle(value);
}

static void on_stop(void *context)
{
    struct deliver *d = context;
    d->stopping = true;
    map_each(&d->hops, close_idle, NULL);
    on_stop_check(d);
}

void deliver_stop(struct deliver *d)
{
    loop_post(d->loop, on_stop, d);
    for (int i = 0; i < STOP_GRACE_MS / 10 && !atomic_load(&d->stopped); i++)
        usleep(10000);
    loop_join(d->loop);
}

static void free_hop(struct span key, void *value, void *context)
{
    (void)key;
    (void)context;
    hop_free(value);
}

static void free_message(struct message_link *link, void *context)
{
    (void)context;
    free(LIST_OBJECT(link, struct pending_message, link));
}

void deliver_free(struct deliver *d)
{
    if (!d)
        return;
    d->stopping = true;
    workers_free(d->workers);
    map_each(&d->hops, free_hop, NULL);
    LIST_EACH(job, &d->jobs, struct job, node)
    job_free(job);
    map_done(&d->hops);
    arena_done(&d->routing);
    message_table_each(&d->messages, free_message, NULL);
    message_table_done(&d->messages);
    map_done_with_values(&d->domains);
    map_done_with_values(&d->loads);
    wake_heap_done(&d->wakes);
    loop_timer_free(d->wake_timer);
    loop_timer_free(d->stop_timer);
    loop_timer_free(d->patience_timer);
    if (d->resolver)
        resolver_free(d->resolver);
    while (d->retired) {
        struct retired_resolver *retired = d->retired;
        d->retired = retired->next;
        resolver_free(retired->resolver);
        free(retired);
    }
    loop_free(d->loop);
    snapshot_release(d->snapshot);
    free(d);
}
