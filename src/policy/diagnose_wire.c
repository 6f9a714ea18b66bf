/* What a stranger saw at a listener, against what the selection says. */
#include "cert/chain.h"
#include "policy/diagnosis.h"
#include "policy/remedy.h"

static struct span show_endpoint(struct diagnosis *d, const struct standing *s)
{
    char text[ENDPOINT_TEXT] = "";
    if (s->connector->bind_count)
        endpoint_format(&s->connector->bind[0], text);
    return arena_copy(d->arena, span_of(text));
}

static struct span look_again(struct diagnosis *d, const struct standing *s)
{
    return arena_printf(d->arena, "sealpost sentinel " SPAN_FMT,
                        SPAN_ARG(remedy_word(d->arena, s->connector->name)));
}

static bool share_a_binding(const struct receive_connector *a, const struct receive_connector *b)
{
    for (size_t i = 0; i < a->bind_count; i++)
        for (size_t j = 0; j < b->bind_count; j++)
            if (a->bind[i].port == b->bind[j].port && a->bind[i].ip.v6 == b->bind[j].ip.v6)
                return true;
    return false;
}

static const struct candidate *find_candidate(const struct diagnosis *d, const char *thumbprint)
{
    for (size_t i = 0; i < d->facts->state.count; i++)
        if (strcmp(d->facts->state.candidates[i].certificate->thumbprint, thumbprint) == 0)
            return &d->facts->state.candidates[i];
    return NULL;
}

static const struct certificate *find_certificate(const struct diagnosis *d, const char *thumbprint)
{
    const struct candidate *found = find_candidate(d, thumbprint);
    return found ? found->certificate : NULL;
}

static bool judge_silent(struct diagnosis *d, const struct wire_fact *fact,
                         const struct standing *s, struct finding *f)
{
    if (fact->connected)
        return false;
    struct span endpoint = show_endpoint(d, s);
    f->cause = arena_printf(d->arena, "nothing answers at " SPAN_FMT, SPAN_ARG(endpoint));
    f->evidence = fact->error;
    f->consequence = SPAN("no mail can be received on this connector");
    f->remedy = remedy_join(d->arena,
                            SPAN("ip -brief address  # is the address of bind still this host's?"),
                            remedy_set(d->arena, s->connector, "bind", endpoint));
    return true;
}

/* Another connector of the binding has taken the connection: by its TLS, or by its certificate. */
static const struct standing *find_intruder(const struct diagnosis *d, const struct wire_fact *fact,
                                            const struct standing *s)
{
    const struct certificate *seen = fact->handshake ? find_certificate(d, fact->thumbprint) : NULL;
    for (size_t i = 0; i < d->standing_count; i++) {
        const struct standing *other = &d->standings[i];
        if (other == s || !other->connector->enabled ||
            !share_a_binding(other->connector, s->connector))
            continue;
        bool without_tls = !fact->offered_starttls && !other->offers_tls;
        if (without_tls || (seen && diagnosis_presents(other, seen)))
            return other;
    }
    return NULL;
}

/* Nothing to compare with where no STARTTLS was due, or the client could not verify any of it. */
static bool is_due(const struct standing *s)
{
    return s->presents && s->offers_tls;
}

static bool is_expected(const struct diagnosis *d, const struct wire_fact *fact,
                        const struct standing *s)
{
    const struct certificate *seen = find_certificate(d, fact->thumbprint);
    if (!seen)
        return false;
    if (diagnosis_presents(s, seen))
        return true;
    /* A client that asked by SNI may be given any that covers what it asked for. */
    return fact->name.n && (seen->services & SERVICE_SMTP) && seen->key_matches &&
           certificate_covers(seen, fact->name) != NAME_NO_MATCH &&
           seen->not_after_ms >= d->facts->now_ms;
}

static bool judge_other_connector(struct diagnosis *d, const struct wire_fact *fact,
                                  const struct standing *s, struct finding *f)
{
    bool wrong =
        is_due(s) && (!fact->offered_starttls || (fact->handshake && !is_expected(d, fact, s)));
    const struct standing *other = wrong ? find_intruder(d, fact, s) : NULL;
    if (!other)
        return false;
    f->severity = FINDING_YELLOW;
    f->cause = arena_printf(d->arena, "connector " SPAN_FMT " answers in its place",
                            SPAN_ARG(other->connector->name));
    f->evidence = fact->handshake ? arena_printf(d->arena, "it presented %s", fact->thumbprint)
                                  : SPAN("it offered no STARTTLS");
    f->consequence = SPAN("these clients meet its name, its TLS and its permissions");
    struct buf ranges = BUF_INIT(BUF_UNLIMITED);
    buf_add_char(&ranges, '[');
    for (size_t i = 0; i < other->connector->from_count; i++) {
        buf_add_text(&ranges, i ? ", " : "");
        ip_range_add(&ranges, &other->connector->from[i]);
    }
    buf_add_char(&ranges, ']');
    f->remedy = remedy_set(d->arena, other->connector, "from", buf_span(&ranges));
    f->remedy = arena_printf(d->arena, SPAN_FMT "  # less those clients", SPAN_ARG(f->remedy));
    buf_done(&ranges);
    return true;
}

static bool judge_stripped(struct diagnosis *d, const struct wire_fact *fact,
                           const struct standing *s, struct finding *f)
{
    if (!is_due(s) || fact->offered_starttls || s->connector->tls == RECEIVE_TLS_IMPLICIT)
        return false;
    f->cause = SPAN("STARTTLS was offered here, and had gone from the EHLO reply on its way");
    f->evidence = fact->error.n ? fact->error : SPAN("the EHLO reply lacked STARTTLS");
    f->consequence = SPAN("mail arrives in clear text, and peers that require TLS do not deliver");
    f->remedy = remedy_join(
        d->arena, SPAN("# turn off SMTP inspection (fixup, Mailguard) in the firewall, then:"),
        look_again(d, s));
    return true;
}

/* A client that knows one kind of key only is owed a handshake where there is such a certificate.
 */
static bool could_verify(const struct wire_fact *fact, const struct standing *s)
{
    const struct certificate *presented[] = {s->selection.chosen, s->selection.other_type};
    for (size_t i = 0; i < COUNT_OF(presented); i++) {
        const struct certificate *c = presented[i];
        if (!c)
            continue;
        bool rsa = span_starts(c->key_type, SPAN("RSA")),
             ecdsa = span_starts(c->key_type, SPAN("ECDSA"));
        if ((!fact->rsa_only || rsa) && (!fact->ecdsa_only || ecdsa))
            return true;
    }
    return false;
}

static bool judge_handshake(struct diagnosis *d, const struct wire_fact *fact,
                            const struct standing *s, struct finding *f)
{
    if (!is_due(s) || fact->handshake || !could_verify(fact, s))
        return false;
    f->cause = SPAN("the TLS handshake failed");
    f->evidence = fact->error;
    f->consequence = SPAN("peers fall back to clear text or do not deliver");
    f->remedy = remedy_join(
        d->arena, arena_printf(d->arena, "sealpost cert show %s", s->selection.chosen->thumbprint),
        look_again(d, s));
    return true;
}

static bool judge_old_certificate(struct diagnosis *d, const struct wire_fact *fact,
                                  const struct standing *s, struct finding *f)
{
    const struct certificate *seen = fact->handshake ? find_certificate(d, fact->thumbprint) : NULL;
    if (!is_due(s) || !seen || is_expected(d, fact, s))
        return false;
    if (certificate_covers(seen, s->connector->fqdn) == NAME_NO_MATCH)
        f->fault = SPAN("F16");
    f->cause = SPAN("another certificate of the store was presented than the one that is chosen");
    f->evidence = arena_printf(d->arena, "seen: " SPAN_FMT "; chosen: " SPAN_FMT,
                               SPAN_ARG(diagnosis_certificate(d, seen)),
                               SPAN_ARG(diagnosis_certificate(d, s->selection.chosen)));
    f->consequence =
        SPAN("the change has not reached this listener, or another host answers for it");
    f->remedy = remedy_join(d->arena, look_again(d, s),
                            SPAN("# still so: compare every host behind the load balancer"));
    return true;
}

static bool judge_foreign_certificate(struct diagnosis *d, const struct wire_fact *fact,
                                      const struct standing *s, struct finding *f)
{
    if (!is_due(s) || !fact->handshake || find_certificate(d, fact->thumbprint))
        return false;
    f->cause = SPAN("a certificate was presented that this host does not have");
    f->evidence = arena_printf(d->arena, "seen: %s; chosen: " SPAN_FMT, fact->thumbprint,
                               SPAN_ARG(diagnosis_certificate(d, s->selection.chosen)));
    f->consequence = SPAN("something on the way ends TLS itself: its certificate counts, and "
                          "nobody renews it from here");
    f->remedy = remedy_join(
        d->arena, SPAN("# turn off TLS inspection for SMTP in the firewall or proxy, then:"),
        look_again(d, s));
    return true;
}

/* The right certificate, with less of its chain than the store has. Where the store lacks it as
 * well, chain-incomplete says so. */
static bool judge_chain(struct diagnosis *d, const struct wire_fact *fact, const struct standing *s,
                        struct finding *f)
{
    const struct candidate *seen = fact->handshake ? find_candidate(d, fact->thumbprint) : NULL;
    if (!is_due(s) || !seen || standing_trust_rank(fact->chain) <= standing_trust_rank(seen->chain))
        return false;
    f->cause = SPAN("the right certificate was presented, but not with the chain that the store "
                    "has");
    f->evidence = arena_printf(d->arena, "chain seen: %s; chain of the store: %s; " SPAN_FMT,
                               chain_state_text(fact->chain), chain_state_text(seen->chain),
                               SPAN_ARG(diagnosis_certificate(d, seen->certificate)));
    f->consequence = SPAN("peers that verify the chain do not deliver, though here all is in "
                          "order");
    f->remedy = remedy_join(
        d->arena, look_again(d, s),
        SPAN("# still so: compare every host behind the load balancer, and what inspects TLS"));
    return true;
}

const struct wire_rule diagnose_wire_rules[] = {
    {"F34", "listener-silent", EVENT_LISTENER_SILENT, judge_silent},
    {"F35", "other-connector-answers", EVENT_OTHER_CONNECTOR_ANSWERS, judge_other_connector},
    {"F28", "starttls-stripped", EVENT_STARTTLS_STRIPPED, judge_stripped},
    {"", "handshake-failed", EVENT_HANDSHAKE_FAILED, judge_handshake},
    {"F26", "old-certificate-served", EVENT_OTHER_CERTIFICATE_SEEN, judge_old_certificate},
    {"F18", "foreign-certificate-seen", EVENT_OTHER_CERTIFICATE_SEEN, judge_foreign_certificate},
    {"F17", "other-chain-seen", EVENT_OTHER_CHAIN_SEEN, judge_chain},
    {0},
};
