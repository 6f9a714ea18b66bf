#include "base/clock.h"
#include "base/log.h"
#include "service/renew_private.h"
#include "store/events.h"

enum { RENEWAL_STARTED = 50030, RENEWED, RENEWAL_FAILED, RENEWAL_OVERDUE };

/* What an authority or uacme says, and what helps. The first that fits. */
static const struct {
    const char *said;
    const char *remedy;
} remedies[] = {
    {"rateLimited", "wait: the authority's limit is reached; the next attempt comes by itself"},
    {"externalAccountRequired",
     "write eab-key-id and eab-key-file, as the authority gave them, into certificates.acme"},
    {"external credentials",
     "write eab-key-id and eab-key-file, as the authority gave them, into certificates.acme"},
    {"unauthorized",
     "the authority must reach this machine by each name on port 80 (or see the DNS "
     "record): check DNS, firewall and certificates.acme.names"},
    {"acme:error:connection", "open port 80 to the world for http-01, or use challenge: dns-01"},
    {"acme:error:dns", "the names must resolve for the authority: check certificates.acme.names"},
    {"rejectedIdentifier", "the authority does not sign this name: check certificates.acme.names"},
    {"caa", "the CAA records of the domain must allow this authority"},
    {"challenge", "check the hook: run it by hand with begin dns-01 NAME TOKEN TEXT"},
    {"CAP_NET_BIND_SERVICE",
     "systemctl edit sealpost: AmbientCapabilities=CAP_NET_BIND_SERVICE; or set "
     "certificates.acme.http-bind and forward port 80 to it"},
    {"another program has it", "set certificates.acme.http-bind to a free port and let the other "
                               "program pass /.well-known/acme-challenge/ on to it"},
    {"unshare", "trust-file needs user namespaces; else add the root to the system's: "
                "update-ca-certificates, and remove trust-file"},
    {"mount:", "trust-file needs user namespaces; else add the root to the system's: "
               "update-ca-certificates, and remove trust-file"},
};

static struct span names_of(struct arena *arena, const struct acme_conf *conf)
{
    struct span all = SPAN_NONE;
    for (size_t i = 0; i < conf->name_count; i++)
        all = arena_printf(arena, SPAN_FMT "%s" SPAN_FMT, SPAN_ARG(all), i ? ", " : "",
                           SPAN_ARG(conf->names[i]));
    return all;
}

static struct span iso(struct arena *arena, int64_t ms)
{
    struct buf text = BUF_INIT(64);
    clock_add_iso(&text, ms / SECOND_MS * SECOND_MS);
    struct span result = arena_copy(arena, buf_span(&text));
    buf_done(&text);
    return result;
}

static struct span remedy_of(struct arena *arena, const struct acme_conf *conf,
                             const struct attempt_end *end)
{
    if (end->remedy.n)
        return end->remedy;
    for (size_t i = 0; i < COUNT_OF(remedies); i++)
        if (span_search(end->why, span_of(remedies[i].said)) < end->why.n)
            return span_of(remedies[i].remedy);
    return arena_printf(
        arena, "check that the authority answers: curl -v " SPAN_FMT "; then: sealpost cert renew",
        SPAN_ARG(conf->directory));
}

/* What it means while no new one comes. */
static struct span consequence_of(struct arena *arena, const struct certificate *current)
{
    int64_t left = current ? current->not_after_ms - clock_now_ms() : 0;
    if (!current)
        return SPAN("no certificate of an authority covers these names");
    return arena_printf(arena, "certificate %s stays in force; it %s " SPAN_FMT "%s",
                        current->thumbprint, left > 0 ? "expires" : "expired",
                        SPAN_ARG(iso(arena, current->not_after_ms)),
                        left > 0 ? "" : ", and peers that verify it do not deliver");
}

static void tell(struct world *world, const struct event *event)
{
    events_add(world->store, event);
    LOG(event->level, event->name.p, LOG_N("id", event->id), LOG_S("names", event->subject),
        LOG_S("text", event->text), LOG_S("consequence", event->consequence),
        LOG_S("remedy", event->remedy));
}

void report_started(struct world *world, const struct acme_conf *conf,
                    const struct certificate *current)
{
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = RENEWAL_STARTED,
        .level = LOG_INFO,
        .name = SPAN("renewal-started"),
        .subject = names_of(&arena, conf),
        .text = current ? arena_printf(&arena, "certificate %s is renewed at " SPAN_FMT,
                                       current->thumbprint, SPAN_ARG(conf->directory))
                        : arena_printf(&arena, "a certificate is ordered at " SPAN_FMT,
                                       SPAN_ARG(conf->directory)),
    };
    tell(world, &event);
    arena_done(&arena);
}

void report_renewed(struct world *world, const struct acme_conf *conf, struct span thumbprint,
                    struct span before)
{
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = RENEWED,
        .level = LOG_INFO,
        .name = SPAN("renewed"),
        .subject = names_of(&arena, conf),
        .text = before.n ? arena_printf(&arena,
                                        "certificate " SPAN_FMT " is in force; " SPAN_FMT
                                        ", the one before, is superseded",
                                        SPAN_ARG(thumbprint), SPAN_ARG(before))
                         : arena_printf(&arena, "certificate " SPAN_FMT " is in force",
                                        SPAN_ARG(thumbprint)),
    };
    tell(world, &event);
    arena_done(&arena);
}

void report_failed(struct world *world, const struct acme_conf *conf, const struct attempt_end *end,
                   const struct certificate *current, int64_t next_ms)
{
    struct arena arena = ARENA_INIT;
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = RENEWAL_FAILED,
        .level = current ? LOG_WARNING : LOG_ERROR,
        .name = SPAN("renewal-failed"),
        .subject = names_of(&arena, conf),
        .text = arena_printf(&arena, SPAN_FMT " (next attempt " SPAN_FMT ")", SPAN_ARG(end->why),
                             SPAN_ARG(iso(&arena, next_ms))),
        .consequence = consequence_of(&arena, current),
        .remedy = remedy_of(&arena, conf, end),
    };
    tell(world, &event);
    arena_done(&arena);
}

void report_overdue(struct world *world, const struct acme_conf *conf,
                    const struct certificate *current, struct span last_error)
{
    struct arena arena = ARENA_INIT;
    struct attempt_end end = {.why = last_error};
    struct event event = {
        .time_ms = clock_now_ms(),
        .id = RENEWAL_OVERDUE,
        .level = LOG_ERROR,
        .name = SPAN("renewal-overdue"),
        .subject = names_of(&arena, conf),
        .text = arena_printf(&arena, "renewal goes on failing: " SPAN_FMT, SPAN_ARG(last_error)),
        .consequence = consequence_of(&arena, current),
        .remedy = remedy_of(&arena, conf, &end),
    };
    tell(world, &event);
    arena_done(&arena);
}
