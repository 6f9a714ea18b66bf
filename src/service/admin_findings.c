#include "service/admin_findings.h"

#include "base/clock.h"
#include "policy/pressure.h"
#include "service/finding.h"
#include "store/events.h"

enum {
    EVENT_PRESSURE = 15004,
    EVENT_DISK = 15006,
    EVENT_NEXT_HOP_FAILS = 50100, /* from 50000 on the numbers are our own */
    EVENT_NO_SEND_CONNECTOR = 50101,
    EVENT_CERTIFICATE_FILE = 50102,
    NEXT_HOPS_NAMED = 10, /* a dead network must not fill the page */
};

struct findings {
    struct arena *arena;
    json_t *errors, *warnings;
};

static void add(struct findings *f, const struct event *finding)
{
    admin_push(finding->level == LOG_ERROR ? f->errors : f->warnings, admin_event(finding));
}

static void judge_connector(struct findings *f, const struct connector_tls *tls, int64_t now_ms)
{
    struct event finding;
    if (finding_of_connector(f->arena, tls, now_ms, &finding))
        add(f, &finding);
}

static void judge_pressure(struct findings *f, enum pressure_level level, int64_t now_ms)
{
    if (level == PRESSURE_LOW)
        return;
    struct event finding = {
        .time_ms = now_ms, .subject = SPAN("queue"), .name = SPAN("back-pressure")};
    finding.id = level == PRESSURE_HIGH ? EVENT_DISK : EVENT_PRESSURE;
    finding.level = level == PRESSURE_HIGH ? LOG_ERROR : LOG_WARNING;
    finding.text = arena_printf(f->arena, "back pressure is %s: the disk or the queue fills up",
                                pressure_name(level));
    finding.consequence = level == PRESSURE_HIGH
                              ? SPAN("new mail is refused with 452 4.3.1 for now")
                              : SPAN("new mail from strangers is refused with 452 4.3.1 for now");
    finding.remedy = SPAN("free disk space, or see what fills the queue: sealpost queue summary");
    add(f, &finding);
}

/* Some host of the world is always down; that is in the queue's summary. Our own smart hosts and
 * mailboxes are to be up. */
static bool is_ours(const struct document *d, const struct deliver_next_hop *hop)
{
    const struct send_connector *c = document_send_connector(d, hop->connector);
    return c && c->deliver_by != DELIVER_BY_MX;
}

static void judge_next_hops(struct findings *f, const struct document *d,
                            const struct deliver_next_hop *hops, size_t count, int64_t now_ms)
{
    size_t named = 0;
    for (size_t i = 0; i < count && named < NEXT_HOPS_NAMED; i++) {
        bool fails = span_eq(hops[i].state, SPAN("retry")) && is_ours(d, &hops[i]);
        bool unreachable = span_eq(hops[i].state, SPAN("unreachable")) && hops[i].waiting;
        if (!fails && !unreachable)
            continue;
        named++;
        struct event finding = {
            .time_ms = now_ms, .level = LOG_WARNING, .text = hops[i].last_error};
        finding.subject = arena_printf(f->arena, "next hop " SPAN_FMT, SPAN_ARG(hops[i].key));
        finding.id = fails ? EVENT_NEXT_HOP_FAILS : EVENT_NO_SEND_CONNECTOR;
        finding.name = fails ? SPAN("next-hop-fails") : SPAN("no-send-connector");
        finding.consequence = hops[i].waiting == 1
                                  ? SPAN("1 recipient waits for it")
                                  : arena_printf(f->arena, "%llu recipients wait for it",
                                                 (unsigned long long)hops[i].waiting);
        finding.remedy =
            fails ? arena_printf(f->arena,
                                 "once it is mended: sealpost queue retry --connector '" SPAN_FMT
                                 "' --next-hop '" SPAN_FMT "'",
                                 SPAN_ARG(hops[i].connector), SPAN_ARG(hops[i].destination))
                  : SPAN("add an address space that takes it: sealpost send-connector list");
        if (unreachable && finding.text.n == 0)
            finding.text = SPAN("no send connector takes this domain");
        add(f, &finding);
    }
}

static void judge_files(struct findings *f, const struct certificate_set *set, int64_t now_ms)
{
    for (size_t i = 0; i < set->fault_count; i++) {
        struct event finding = {.time_ms = now_ms,
                                .level = LOG_WARNING,
                                .id = EVENT_CERTIFICATE_FILE,
                                .name = SPAN("certificate-file-unusable"),
                                .subject = set->faults[i].path,
                                .text = set->faults[i].text,
                                .consequence = SPAN("its certificate is not served"),
                                .remedy = SPAN("mend or remove the file")};
        add(f, &finding);
    }
}

json_t *admin_findings(struct arena *arena, struct world *world, const struct snapshot *s,
                       const struct deliver_next_hop *hops, size_t hop_count, const char **health)
{
    struct findings f = {arena, json_array(), json_array()};
    int64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < s->document->receive_connector_count; i++)
        judge_connector(&f, &s->receive_tls[i], now_ms);
    judge_pressure(&f, (enum pressure_level)atomic_load(&world->pressure), now_ms);
    judge_files(&f, s->set, now_ms);
    judge_next_hops(&f, s->document, hops, hop_count, now_ms);
    *health = json_array_size(f.errors) ? "red" : json_array_size(f.warnings) ? "yellow" : "green";
    json_array_extend(f.errors, f.warnings);
    json_decref(f.warnings);
    return f.errors;
}
