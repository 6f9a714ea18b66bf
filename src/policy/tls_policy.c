#include "policy/tls_policy.h"

static struct tls_verdict in_clear(struct span reason)
{
    return (struct tls_verdict){.action = TLS_SEND_IN_CLEAR, .reason = reason};
}

static struct span failure_text(struct arena *arena, const struct tls_facts *facts)
{
    if (facts->failure.n == 0)
        return SPAN("STARTTLS failed");
    return arena_printf(arena, "STARTTLS failed: " SPAN_FMT, SPAN_ARG(facts->failure));
}

/* RFC 3463: X.7.4 the peer lacks the feature, X.7.5 the cryptography failed. Both may be mended, so
 * it is tried again until the message expires. */
static struct tls_verdict give_up(struct arena *arena, struct span reason, const char *enhanced)
{
    return (struct tls_verdict){
        .action = TLS_GIVE_UP,
        .reason = reason,
        .failure = outcome_local(arena, FATE_LATER, CONCERN_NEXT_HOP, 454, enhanced,
                                 "TLS is required for this route: " SPAN_FMT, SPAN_ARG(reason)),
    };
}

static struct tls_verdict required(struct arena *arena, const struct tls_facts *facts)
{
    if (facts->failed_before)
        return give_up(arena, failure_text(arena, facts), "4.7.5");
    if (facts->offered)
        return (struct tls_verdict){.action = TLS_START};
    return give_up(arena, SPAN("the peer does not offer STARTTLS"), "4.7.4");
}

static struct tls_verdict opportunistic(struct arena *arena, const struct tls_facts *facts)
{
    if (facts->failed_before)
        return in_clear(failure_text(arena, facts));
    if (facts->offered)
        return (struct tls_verdict){.action = TLS_START};
    return in_clear(SPAN("the peer does not offer STARTTLS"));
}

struct tls_verdict tls_policy(struct arena *arena, const struct send_connector *connector,
                              const struct tls_facts *facts)
{
    if (facts->active)
        return (struct tls_verdict){.action = TLS_SEND_NOW};
    switch (connector->tls) {
    case SEND_TLS_OFF: return in_clear(SPAN("the connector has tls: off"));
    case SEND_TLS_OPPORTUNISTIC: return opportunistic(arena, facts);
    case SEND_TLS_REQUIRED: return required(arena, facts);
    case SEND_TLS_IMPLICIT: break;
    }
    return give_up(arena,
                   facts->failed_before ? failure_text(arena, facts)
                                        : SPAN("the connection does not begin with TLS"),
                   "4.7.5");
}
