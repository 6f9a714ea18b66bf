#include "service/monitor.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/map.h"
#include "policy/pressure.h"
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
    struct map faults; /* connector -> text of the fault that was reported */
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

static void report_fault(struct monitor *m, const struct connector_tls *tls)
{
    const struct receive_connector *c = tls->connector;
    struct arena arena = ARENA_INIT;
    bool expired = tls->context && tls->selection.name_covered;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = expired ? 12016 : 12014,
        .level = LOG_ERROR,
        .name = expired ? SPAN("starttls-certificate-expired") : SPAN("starttls-name-not-covered"),
        .subject = arena_printf(&arena, "receive connector " SPAN_FMT, SPAN_ARG(c->name)),
        .text = tls->fault,
        .consequence =
            !tls->context
                ? SPAN("STARTTLS is not offered; peers that require TLS do not deliver")
                : SPAN("mail is still encrypted; peers that verify the certificate do not deliver"),
        .remedy = arena_printf(&arena,
                               "sealpost cert import FILE (a certificate for " SPAN_FMT
                               "), or sealpost receive-connector set " SPAN_FMT " fqdn=NAME",
                               SPAN_ARG(c->fqdn), SPAN_ARG(c->name)),
    };
    events_add(m->world->store, &event);
    LOG(LOG_WARNING, "certificate-fault", LOG_N("id", event.id), LOG_S("connector", c->name),
        LOG_S("fqdn", c->fqdn), LOG_S("fault", tls->fault), LOG_S("remedy", event.remedy));
    arena_done(&arena);
}

static void report_mended(struct monitor *m, struct span connector)
{
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = 50001,
        .level = LOG_INFO,
        .name = SPAN("certificate-mended"),
        .subject = arena_printf(&arena, "receive connector " SPAN_FMT, SPAN_ARG(connector)),
        .text = SPAN("the connector presents a certificate that fits"),
    };
    events_add(m->world->store, &event);
    LOG(LOG_INFO, "certificate-mended", LOG_S("connector", connector));
    arena_done(&arena);
}

static void watch_certificates(struct monitor *m, const struct snapshot *s)
{
    for (size_t i = 0; i < s->document->receive_connector_count; i++) {
        const struct connector_tls *tls = &s->receive_tls[i];
        char *reported = map_get(&m->faults, tls->connector->name);
        if (!tls->connector->enabled || span_eq(span_of(reported ? reported : ""), tls->fault))
            continue;
        if (tls->fault.n)
            report_fault(m, tls);
        else
            report_mended(m, tls->connector->name);
        char *text = strndup(tls->fault.n ? tls->fault.p : "", tls->fault.n);
        if (!text)
            abort();
        free(map_set(&m->faults, tls->connector->name, text));
    }
}

/* ---- the timer ---- */

static void look(void *context)
{
    struct monitor *m = context;
    struct snapshot *s = snapshot_current(m->world);
    watch_pressure(m, s->document);
    if (m->polls++ % SLOW_POLLS == 0) {
        watch_certificates(m, s);
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
    map_init(&m->faults);
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
    snapshot_release(s);
}

void monitor_free(struct monitor *monitor)
{
    if (!monitor)
        return;
    loop_timer_free(monitor->timer);
    map_done_with_values(&monitor->faults);
    free(monitor);
}
