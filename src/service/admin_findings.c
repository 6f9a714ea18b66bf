#include "service/admin_findings.h"

#include "policy/pressure.h"
#include "present/doctor_json.h"
#include "present/finding_json.h"
#include "service/admin_certificates.h"
#include "service/sentinel.h"

enum {
    EVENT_PRESSURE = 15004,
    EVENT_DISK = 15006,
    EVENT_NEXT_HOP_FAILS = 50100, /* from 50000 on the numbers are our own */
    EVENT_NO_SEND_CONNECTOR = 50101,
    NEXT_HOPS_NAMED = 10, /* a dead network must not fill the page */
};

static void judge_pressure(struct findings *f, enum pressure_level level)
{
    if (level == PRESSURE_LOW)
        return;
    bool high = level == PRESSURE_HIGH;
    findings_add(
        f,
        &(struct finding){
            .event = high ? EVENT_DISK : EVENT_PRESSURE,
            .name = SPAN("back-pressure"),
            .severity = high ? FINDING_RED : FINDING_YELLOW,
            .subject = SPAN("queue"),
            .cause = arena_printf(f->arena, "back pressure is %s: the disk or the queue fills up",
                                  pressure_name(level)),
            .consequence = high ? SPAN("new mail is refused with 452 4.3.1 for now")
                                : SPAN("new mail from strangers is refused with 452 4.3.1 for now"),
            .remedy = SPAN("sealpost queue summary  # and free disk space"),
        });
}

/* Some host of the world is always down; that is in the queue's summary. Our own smart hosts and
 * mailboxes are to be up. */
static bool is_ours(const struct document *d, const struct deliver_next_hop *hop)
{
    const struct send_connector *c = document_send_connector(d, hop->connector);
    return c && c->deliver_by != DELIVER_BY_MX;
}

static void judge_next_hops(struct findings *f, const struct document *d,
                            const struct deliver_next_hop *hops, size_t count)
{
    size_t named = 0;
    for (size_t i = 0; i < count && named < NEXT_HOPS_NAMED; i++) {
        bool fails = span_eq(hops[i].state, SPAN("retry")) && is_ours(d, &hops[i]);
        bool unreachable = span_eq(hops[i].state, SPAN("unreachable")) && hops[i].waiting;
        if (!fails && !unreachable)
            continue;
        named++;
        struct finding finding = {.severity = FINDING_YELLOW, .cause = hops[i].last_error};
        finding.subject = arena_printf(f->arena, "next hop " SPAN_FMT, SPAN_ARG(hops[i].key));
        finding.event = fails ? EVENT_NEXT_HOP_FAILS : EVENT_NO_SEND_CONNECTOR;
        finding.name = fails ? SPAN("next-hop-fails") : SPAN("no-send-connector");
        finding.consequence = hops[i].waiting == 1
                                  ? SPAN("1 recipient waits for it")
                                  : arena_printf(f->arena, "%llu recipients wait for it",
                                                 (unsigned long long)hops[i].waiting);
        finding.remedy =
            fails
                ? arena_printf(f->arena,
                               "once it is mended: sealpost queue retry --next-hop '" SPAN_FMT "'",
                               SPAN_ARG(hops[i].key))
                : SPAN("add an address space that takes it: sealpost send-connector list");
        if (unreachable && finding.cause.n == 0)
            finding.cause = SPAN("no send connector takes this domain");
        findings_add(f, &finding);
    }
}

json_t *admin_findings(struct admin_call *call, const struct snapshot *s,
                       const struct deliver_next_hop *hops, size_t hop_count, const char **health)
{
    struct world *world = call->admin->world;
    struct findings findings = {.arena = call->arena};
    struct view view = admin_view(call, s);
    const struct wire_fact *wire = NULL;
    size_t wire_count = world->sentinel ? sentinel_last(world->sentinel, call->arena, &wire) : 0;
    judge_pressure(&findings, (enum pressure_level)atomic_load(&world->pressure));
    doctor_findings(&findings, &view, wire, wire_count);
    judge_next_hops(&findings, s->document, hops, hop_count);
    *health = findings_health(&findings);
    return findings_to_json(&findings);
}
