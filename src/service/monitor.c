#include "service/monitor.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/diagnose.h"
#include "policy/pressure.h"
#include "service/apply.h"
#include "service/dns_watch.h"
#include "service/told.h"
#include "store/events.h"
#include "store/track.h"

enum {
    POLL_MS = 2000,
    SLOW_POLLS = 1800, /* an hour */
};

struct monitor {
    struct world *world;
    struct loop_timer *timer;
    struct pressure pressure;
    struct told *told;
    int64_t turn_ms; /* when a certificate begins or ends next; 0: none does */
    uint64_t polls;
};

/* ---- back pressure ---- */

static bool read_facts(const struct monitor *m, struct pressure_facts *facts)
{
    struct statvfs disk;
    if (statvfs(m->world->data_directory, &disk) != 0)
        return false;
    *facts = (struct pressure_facts){
        .disk_total = (uint64_t)disk.f_blocks * disk.f_frsize,
        .disk_free = (uint64_t)disk.f_bavail * disk.f_frsize,
        .queue_length = store_statistics(m->world->store).recipients,
    };
    return true;
}

static void report_pressure(struct monitor *m, const struct pressure *next,
                            const struct pressure_facts *facts)
{
    bool worse = next->level > m->pressure.level;
    bool by_disk = (worse ? next : &m->pressure)->disk >= (worse ? next : &m->pressure)->queue;
    struct arena arena = ARENA_INIT;
    uint64_t used = facts->disk_total ? 100 - facts->disk_free * 100 / facts->disk_total : 0;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = worse ? by_disk && next->level == PRESSURE_HIGH ? 15006 : 15004
                    : 15005, /* Exchange's numbers */
        .level = worse ? next->level == PRESSURE_HIGH ? LOG_ERROR : LOG_WARNING : LOG_INFO,
        .name = worse ? SPAN("pressure-rises") : SPAN("pressure-falls"),
        .subject = by_disk ? SPAN("disk") : SPAN("queue"),
        .text = arena_printf(
            &arena,
            "back pressure is now %s (it was %s): the disk is %llu %% full, %llu recipients wait",
            pressure_name(next->level), pressure_name(m->pressure.level), (unsigned long long)used,
            (unsigned long long)facts->queue_length),
        .consequence = next->level == PRESSURE_HIGH
                           ? SPAN("all mail is answered 452 4.3.1 until it falls")
                       : next->level == PRESSURE_MEDIUM
                           ? SPAN("mail from clients that may not relay is answered 452 4.3.1")
                           : SPAN("mail is accepted"),
        .remedy = !worse    ? SPAN_NONE
                  : by_disk ? arena_printf(&arena, "make room: df -h %s; du -sh %s/*",
                                           m->world->data_directory, m->world->data_directory)
                            : SPAN("see what waits: sealpost queue summary"),
    };
    events_add(m->world->store, &event);
    LOG(event.level, worse ? "pressure-rises" : "pressure-falls",
        LOG_T("level", pressure_name(next->level)), LOG_S("resource", event.subject),
        LOG_N("disk-used-percent", used), LOG_N("queue-length", facts->queue_length));
    arena_done(&arena);
}

static void watch_pressure(struct monitor *m, const struct document *document)
{
    struct pressure_facts facts;
    if (!read_facts(m, &facts))
        return;
    struct pressure next = pressure_next(&m->pressure, &document->queue, &facts);
    if (next.level != m->pressure.level)
        report_pressure(m, &next, &facts);
    m->pressure = next;
    atomic_store_explicit(&m->world->pressure, (int)next.level, memory_order_relaxed);
}

/* ---- certificates ---- */

/* What the selection cannot know: TLS did not work with a certificate that should be presented. */
static void tell_passed_over(struct monitor *m, struct arena *arena,
                             const struct connector_tls *tls)
{
    struct span name = tls->connector->name;
    struct finding finding = {
        .event = EVENT_PASSED_OVER,
        .name = SPAN("certificate-passed-over"),
        .severity = FINDING_RED,
        .subject = arena_printf(arena, "receive connector " SPAN_FMT, SPAN_ARG(name)),
        .cause = tls->passed_over,
        .consequence = tls->context ? SPAN("the next best certificate is presented")
                                    : SPAN("there is no other; TLS cannot be had"),
        .remedy = arena_printf(arena, "sealpost explain " SPAN_FMT, SPAN_ARG(name)),
    };
    told_add(m->told, &finding);
}

/* What the selection cannot know here either: the certificate is right, and TLS does not take it.
 */
static void tell_unusable_client(struct monitor *m, struct arena *arena,
                                 const struct send_tls_context *tls)
{
    struct span name = tls->connector->name;
    struct finding finding = {
        .event = EVENT_CLIENT_CERTIFICATE,
        .name = SPAN("client-certificate"),
        .severity = FINDING_RED,
        .subject = arena_printf(arena, "send connector " SPAN_FMT, SPAN_ARG(name)),
        .cause = tls->fault,
        .consequence = SPAN("next hops that insist on this client certificate take no mail"),
        .remedy = arena_printf(arena,
                               "sealpost cert list\nsealpost send-connector set " SPAN_FMT
                               " tls-certificate=THUMBPRINT",
                               SPAN_ARG(name)),
    };
    told_add(m->told, &finding);
}

static void watch_receive_connectors(struct monitor *m, const struct snapshot *s,
                                     struct findings *findings, const struct diagnose_facts *facts)
{
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct connector_tls *tls = &s->receive_tls[i];
        if (!tls->connector->enabled)
            continue;
        diagnose_connector(findings, facts, tls->connector);
        if (tls->passed_over.n)
            tell_passed_over(m, findings->arena, tls);
    }
}

static void watch_send_connectors(struct monitor *m, const struct snapshot *s,
                                  struct findings *findings, const struct diagnose_facts *facts)
{
    for (size_t i = 0; i < s->document->send_connector_count; i++) {
        const struct send_tls_context *tls = &s->send_tls[i];
        size_t before = findings->count;
        if (!tls->connector->enabled)
            continue;
        diagnose_send_connector(findings, facts, tls->connector);
        if (findings->count == before && tls->fault.n)
            tell_unusable_client(m, findings->arena, tls);
    }
}

static void watch_certificates(struct monitor *m, const struct snapshot *s)
{
    struct arena arena = ARENA_INIT;
    struct findings findings = {.arena = &arena};
    struct diagnose_facts facts = {
        .state = {s->document, s->certificates, s->certificate_count},
        .now_ms = clock_now_ms(),
        .dns = dns_watch_facts(m->world->dns_watch),
    };
    told_begin(m->told);
    watch_receive_connectors(m, s, &findings, &facts);
    watch_send_connectors(m, s, &findings, &facts);
    diagnose_internal(&findings, &facts);
    diagnose_published(&findings, &facts);
    for (size_t i = 0; i < findings.count; i++)
        told_add(m->told, &findings.items[i]);
    told_end(m->told);
    arena_done(&arena);
}

static void on_turned(void *context, const struct apply_result *result)
{
    (void)context;
    if (result->err != OK)
        LOG(LOG_ERROR, "certificates-not-chosen-anew",
            LOG_S("why", result->problems->count ? result->problems->items[0].text
                                                 : span_of(err_text(result->err))));
}

static void note_turn(struct monitor *m, int64_t at_ms, int64_t now_ms)
{
    if (at_ms > now_ms && (m->turn_ms == 0 || at_ms < m->turn_ms))
        m->turn_ms = at_ms;
}

/* A selection holds until one of the certificates begins or ends: then it is made anew. */
static void find_turn(struct monitor *m, const struct snapshot *s)
{
    int64_t now_ms = clock_now_ms();
    m->turn_ms = 0;
    for (size_t i = 0; i < s->certificate_count; i++) {
        note_turn(m, s->certificates[i].certificate->not_before_ms, now_ms);
        note_turn(m, s->certificates[i].certificate->not_after_ms, now_ms);
    }
}

static void watch_turn(struct monitor *m)
{
    if (m->turn_ms == 0 || clock_now_ms() <= m->turn_ms)
        return;
    m->turn_ms = 0;
    apply_certificates(m->world, on_turned, m);
}

/* ---- the timer ---- */

static void look(void *context)
{
    struct monitor *m = context;
    struct snapshot *s = snapshot_current(m->world);
    watch_pressure(m, s->document);
    watch_turn(m);
    if (m->polls++ % SLOW_POLLS == 0) {
        watch_certificates(m, s);
        find_turn(m, s);
        track_expire(m->world->store,
                     clock_now_ms() - (int64_t)s->document->queue.track_days * DAY_MS);
    }
    snapshot_release(s);
    loop_timer_start(m->timer, POLL_MS);
}

struct monitor *monitor_new(struct world *world)
{
    struct monitor *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->world = world;
    m->told = told_new(world);
    m->timer = loop_timer_new(world->main_loop, look, m);
    return m;
}

void monitor_start(struct monitor *monitor)
{
    look(monitor);
}

void monitor_snapshot_changed(struct monitor *monitor)
{
    struct snapshot *s = snapshot_current(monitor->world);
    watch_certificates(monitor, s);
    find_turn(monitor, s);
    snapshot_release(s);
}

void monitor_clock_set(struct monitor *monitor)
{
    monitor->turn_ms = 1; /* long past, wherever the clock is now */
    loop_timer_start(monitor->timer, 0);
}

void monitor_free(struct monitor *monitor)
{
    if (!monitor)
        return;
    loop_timer_free(monitor->timer);
    told_free(monitor->told);
    free(monitor);
}
