/* Why a Receive connector has no certificate that works: one finding for all connectors that lack
 * the same thing. */
#include "conf/schema.h"
#include "policy/exchange_examine.h"

#include <string.h>

#include "base/text.h"

enum { FLOOD = 5, QUOTED_CONNECTORS = 8, SLIP = 2 };

static const char no_tls[] =
    "STARTTLS is not offered: ordinary peers deliver in clear text without a word, and those that "
    "require TLS (Exchange Online, partners) do not deliver";
static const char broken_tls[] = "STARTTLS is offered and then fails: peers that require TLS do "
                                 "not deliver, others fall back to "
                                 "clear text or try again until they give up";

/* ---- connectors that lack the same thing ---- */

struct group {
    struct connector_choice **items;
    size_t count;
};

static bool are_alike(struct examination *e, const struct connector_choice *a,
                      const struct connector_choice *b)
{
    return a->state == b->state && a->shown.connector->sends == b->shown.connector->sends &&
           a->shown.chosen == b->shown.chosen && span_ieq(a->shown.name, b->shown.name) &&
           span_ieq(examine_server_of(e, a->shown.connector),
                    examine_server_of(e, b->shown.connector));
}

static struct group group_of(struct examination *e, size_t first)
{
    struct group g = {ARENA_ARRAY(e->arena, struct connector_choice *, e->choice_count), 0};
    for (size_t i = first; i < e->choice_count; i++)
        if (!e->choices[i].explained && are_alike(e, &e->choices[first], &e->choices[i]))
            g.items[g.count++] = &e->choices[i];
    return g;
}

static struct span group_subject(struct examination *e, const struct group *g)
{
    struct span first = examine_connector_subject(e, g->items[0]->shown.connector);
    if (g->count == 1)
        return first;
    return arena_printf(e->arena, SPAN_FMT " and %zu more", SPAN_ARG(first), g->count - 1);
}

static const struct exchange_event *event_of(struct examination *e,
                                             const struct connector_choice *ch)
{
    if (ch->event)
        return ch->event;
    for (size_t i = 0; i < e->c->event_count; i++)
        if (e->c->events[i].id == 12014 && examine_choice_of_event(e, &e->c->events[i]) == ch)
            return &e->c->events[i];
    return NULL;
}

static void quote_event(struct examination *e, struct exchange_finding *f,
                        const struct exchange_event *event)
{
    struct span names = SPAN_NONE;
    if (event->fqdn.text.n && !span_ieq(event->fqdn.text, event->domain_name.text))
        names = arena_printf(e->arena,
                             "two different names: it looked for " SPAN_FMT
                             ", the connector's FQDN is given as " SPAN_FMT,
                             SPAN_ARG(event->domain_name.text), SPAN_ARG(event->fqdn.text));
    else if (event->times > 1)
        names = arena_printf(e->arena, "%zu times", event->times);
    examine_evidence(e, f, event->place, event->text, names);
}

/* Does one of them serve for certain? A connector that is disabled harms nobody. */
static bool any_serves(struct examination *e, const struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i]->shown.connector->enabled == KNOWN_YES || event_of(e, g->items[i]))
            return true;
    return false;
}

/* The finding for a group, with the connectors' own lines as evidence. */
static struct exchange_finding *blame(struct examination *e, struct group *g, const char *fault,
                                      const char *name, struct span cause, const char *consequence)
{
    const struct connector_choice *ch = g->items[0];
    bool pair_alone =
        ch->state == CHOICE_BAD_PAIR || (ch->state == CHOICE_STALE_PAIR && ch->complete);
    bool proven = (ch->shown.certain != CANNOT_TELL || pair_alone) && any_serves(e, g);
    struct exchange_finding *f =
        examine_add(e, fault, name, FINDING_RED, proven ? examine_absence(e) : EXCHANGE_PROBABLE,
                    group_subject(e, g));
    f->finding.event = 12014;
    f->finding.cause = cause;
    f->finding.consequence = span_of(consequence);
    for (size_t i = 0; i < g->count; i++) {
        const struct exchange_connector *k = g->items[i]->shown.connector;
        const struct exchange_event *event = event_of(e, g->items[i]);
        g->items[i]->explained = true;
        if (event)
            quote_event(e, f, event);
        if (i < QUOTED_CONNECTORS && !g->items[i]->event)
            examine_quote(
                e, f, g->items[i]->has_pair ? "TlsCertificateName" : "Fqdn",
                g->items[i]->has_pair ? &k->tls_certificate_name : &k->fqdn,
                arena_printf(e->arena, "of " SPAN_FMT, SPAN_ARG(examine_connector_subject(e, k))));
    }
    return f;
}

static void quote_candidates(struct examination *e, struct exchange_finding *f,
                             const struct connector_choice *ch)
{
    for (size_t i = 0; i < ch->shown.count && i < QUOTED_CONNECTORS; i++)
        examine_quote_certificate(e, f, ch->shown.candidates[i], ch->shown.verdicts[i]);
}

static void set_pairs(struct examination *e, struct exchange_finding *f, const struct group *g,
                      const struct exchange_certificate *c)
{
    for (size_t i = 0; i < g->count; i++)
        step_pair(e, f, g->items[i]->shown.connector, c);
}

static void finish_steps(struct examination *e, struct exchange_finding *f, const struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        step_restart(e, f, g->items[i]->shown.connector);
    if (g->items[0]->shown.connector->sends)
        step_retry_queues(e, f, g->items[0]->shown.connector);
    step_verify_tls(e, f, g->items[0]->shown.connector, g->items[0]->shown.name);
}

/* ---- the pair: F20, F03, F15 ---- */

/* The host in a pair, whatever became of its marks: the subject stands last, its CN first. */
static struct span common_name(struct span pair)
{
    struct span name = SPAN_NONE;
    for (size_t at = 0; at < pair.n; at++)
        if (span_istarts(span_skip(pair, at), SPAN("CN=")))
            name = span_skip(pair, at + 3);
    size_t n = 0;
    while (n < name.n && (text_is_alnum(name.p[n]) || strchr(".-*", name.p[n])))
        n++;
    return span_head(name, n);
}

static void blame_pair(struct examination *e, struct group *g, bool syntax)
{
    const struct connector_choice *ch = g->items[0];
    bool sends = ch->shown.connector->sends;
    const struct exchange_certificate *next =
        examine_successor(e, SPAN_NONE, examine_server_of(e, ch->shown.connector), ch->shown.name);
    struct span cause =
        syntax ? SPAN("TlsCertificateName is no <I>issuer<S>subject pair: its marks were lost, or "
                      "typographic quotes came in, on the way through a web page or a chat")
               : arena_printf(e->arena,
                              "TlsCertificateName names an issuer and subject that no certificate "
                              "has: " SPAN_FMT,
                              SPAN_ARG(ch->shown.name));
    struct exchange_finding *f = blame(
        e, g,
        syntax  ? "F20"
        : sends ? "F15"
                : "F03",
        syntax  ? "pair-malformed"
        : sends ? "pair-stale-send"
                : "pair-stale",
        cause, sends ? "mail through this connector waits (454 4.7.5) until it expires" : no_tls);
    quote_candidates(e, f, ch);
    if (next) {
        if (exchange_certificate_lacks_smtp(next) || next->services_known != KNOWN_YES)
            step_enable(e, f, next);
        set_pairs(e, f, g, next);
    } else {
        examine_ask(e, SPAN("which certificate the connector should name"),
                    SPAN("Get-ExchangeCertificate | FL *"));
        step_request(e, f, NULL, common_name(ch->shown.name));
        for (size_t i = 0; i < g->count; i++)
            step_pair_of_new(e, f, g->items[i]->shown.connector);
    }
    finish_steps(e, f, g);
}

/* ---- the name: F36, F29, F04, F01 ---- */

/* Is SMTP enabled on certificates without any host name only? */
static const struct exchange_certificate *only_nameless_smtp(struct examination *e,
                                                             struct span server)
{
    const struct exchange_certificate *nameless = NULL;
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (!exchange_certificate_on(c, server))
            continue;
        if (c->services_known != KNOWN_YES)
            return NULL;
        if (!(c->services & EXCHANGE_SMTP))
            continue;
        if (!exchange_certificate_is_auth(c) && c->domains.count)
            return NULL;
        nameless = c;
    }
    return nameless;
}

/* A name of a usable certificate that differs from this one by a slip; empty: none. */
static struct span meant_name(struct examination *e, const struct connector_choice *ch)
{
    struct span best = SPAN_NONE;
    size_t least = SLIP + 1;
    for (size_t i = 0; i < ch->shown.count; i++) {
        const struct exchange_certificate *c = ch->shown.candidates[i];
        for (size_t n = 0; n < c->domains.count; n++) {
            size_t d = schema_distance(c->domains.items[n], ch->shown.name, SLIP + 1);
            if (d < least && exchange_certificate_usable(e, c) == KNOWN_YES) {
                least = d;
                best = c->domains.items[n];
            }
        }
    }
    return best;
}

static bool wants_server_name(const struct exchange_connector *k)
{
    for (size_t i = 0; i < k->auth_mechanism.count; i++)
        if (span_ieq(k->auth_mechanism.items[i], SPAN("ExchangeServer")))
            return true;
    return false;
}

static void step_self_signed(struct examination *e, struct exchange_finding *f,
                             const struct connector_choice *ch)
{
    struct span name = powershell_quote(e->arena, ch->shown.name);
    examine_step(
        e, f,
        arena_printf(e->arena,
                     "New-ExchangeCertificate" SPAN_FMT " -SubjectName " SPAN_FMT
                     " -DomainName " SPAN_FMT " -Services SMTP",
                     SPAN_ARG(step_server(e, examine_server_of(e, ch->shown.connector))),
                     SPAN_ARG(powershell_quote(e->arena, arena_printf(e->arena, "CN=" SPAN_FMT,
                                                                      SPAN_ARG(ch->shown.name)))),
                     SPAN_ARG(name)),
        SPAN("no public CA signs this name, so the server signs it itself"),
        SPAN("N, where it asks to overwrite the existing default SMTP certificate"));
}

/* The shortest way to a certificate for the name: the name mended, a pair, or a new certificate. */
static void steps_for_name(struct examination *e, struct exchange_finding *f, const struct group *g,
                           bool prefer_pair)
{
    const struct connector_choice *ch = g->items[0];
    struct span server = examine_server_of(e, ch->shown.connector);
    const struct exchange_certificate *public = examine_successor(e, SPAN_NONE, server, SPAN_NONE);
    struct span meant = meant_name(e, ch);
    bool pinned = wants_server_name(ch->shown.connector);
    if (meant.n && !pinned) {
        for (size_t i = 0; i < g->count; i++)
            examine_step(
                e, f,
                arena_printf(e->arena,
                             "Set-ReceiveConnector -Identity " SPAN_FMT " -Fqdn " SPAN_FMT,
                             SPAN_ARG(step_identity(e, g->items[i]->shown.connector)),
                             SPAN_ARG(powershell_quote(e->arena, meant))),
                SPAN("the name that a certificate has: the connector's looks like a slip of it"),
                SPAN_NONE);
    } else if (public && (prefer_pair || pinned)) {
        if (exchange_certificate_lacks_smtp(public))
            step_enable(e, f, public);
        set_pairs(e, f, g, public);
    } else if (exchange_name_is_internal(ch->shown.name)) {
        step_self_signed(e, f, ch);
    } else {
        step_request(e, f, public, ch->shown.name);
    }
    finish_steps(e, f, g);
}

static void blame_nameless(struct examination *e, struct group *g,
                           const struct exchange_certificate *nameless)
{
    const struct connector_choice *ch = g->items[0];
    struct span server = examine_server_of(e, ch->shown.connector);
    struct exchange_finding *f = blame(
        e, g, "F36", "smtp-without-name",
        SPAN("SMTP is enabled only on a certificate without any host name (the Auth Certificate), "
             "which can never serve STARTTLS"),
        no_tls);
    examine_quote_certificate(e, f, nameless, SPAN("has SMTP and no host name"));
    const struct exchange_certificate *named =
        examine_successor(e, ch->has_pair ? SPAN_NONE : ch->shown.name, server, SPAN_NONE);
    if (!named)
        named = examine_successor(e, SPAN_NONE, server, SPAN_NONE);
    if (named)
        step_enable(e, f, named);
    if (named && !ch->has_pair && !exchange_certificate_covers(named, ch->shown.name))
        set_pairs(e, f, g, named);
    if (!named)
        step_new_internal(e, f, server);
    finish_steps(e, f, g);
}

static void blame_name(struct examination *e, struct group *g)
{
    const struct connector_choice *ch = g->items[0];
    const struct exchange_event *event = event_of(e, ch);
    struct span server = examine_server_of(e, ch->shown.connector);
    struct span cause =
        arena_printf(e->arena, "no certificate has the name " SPAN_FMT, SPAN_ARG(ch->shown.name));
    struct exchange_finding *f;
    if (ch->own_name) {
        f = blame(e, g, "F04", "own-certificate-gone",
                  arena_printf(e->arena,
                               SPAN_FMT
                               ", which is the server's own: its self-signed certificate was "
                               "deleted, or never covered it",
                               SPAN_ARG(cause)),
                  no_tls);
        quote_candidates(e, f, ch);
        step_new_internal(e, f, server);
        finish_steps(e, f, g);
        return;
    }
    if (event && event->times >= FLOOD && !exchange_connector_is_default(ch->shown.connector)) {
        f = blame(
            e, g, "F29", "flooded-by-name", cause,
            "each session of the devices that use this connector writes the event again; where "
            "they never use TLS, nothing else happens, and AuthMechanism could do without Tls");
        f->finding.severity = FINDING_YELLOW;
        quote_candidates(e, f, ch);
        steps_for_name(e, f, g, true);
        return;
    }
    f = blame(e, g, "F01", "name-not-covered", cause, no_tls);
    quote_candidates(e, f, ch);
    steps_for_name(e, f, g, false);
}

/* ---- the certificate: F02, F11, F12 ---- */

static void blame_unusable(struct examination *e, struct group *g)
{
    const struct connector_choice *ch = g->items[0];
    const struct exchange_certificate *chosen = ch->shown.chosen;
    struct span text = examine_certificate_text(e, chosen);
    struct exchange_finding *f;
    if (ch->usable)
        f = blame(
            e, g, "F11", "newest-without-smtp",
            arena_printf(e->arena,
                         "the newest certificate for the name, " SPAN_FMT
                         ", is taken although it is not enabled for SMTP; the older one that works "
                         "is passed over",
                         SPAN_ARG(text)),
            broken_tls);
    else
        f = blame(e, g, "F02", "smtp-not-enabled",
                  arena_printf(e->arena,
                               "the certificate for the name, " SPAN_FMT
                               ", is not enabled for SMTP",
                               SPAN_ARG(text)),
                  broken_tls);
    examine_quote_certificate(e, f, chosen, SPAN("its Services lack SMTP"));
    if (ch->usable)
        examine_quote_certificate(e, f, ch->usable,
                                  SPAN("has SMTP, but is valid from an earlier time"));
    if (exchange_certificate_expired(e, chosen) == KNOWN_YES) {
        examine_evidence(
            e, f, chosen->not_after.place,
            arena_printf(e->arena, "NotAfter : " SPAN_FMT, SPAN_ARG(chosen->not_after.text)),
            SPAN("it has expired as well, so a new one takes its place"));
        step_renew(e, f, chosen);
    } else {
        step_enable(e, f, chosen);
    }
    finish_steps(e, f, g);
}

static void blame_ineligible(struct examination *e, struct group *g)
{
    const struct connector_choice *ch = g->items[0];
    bool key = ch->without_key == ch->covering;
    struct exchange_finding *f =
        blame(e, g, key ? "F12" : "F17", key ? "key-missing" : "chain-not-valid",
              key ? SPAN("the certificates for the name have no private key on this server")
                  : SPAN("the certificates for the name have no valid chain on this server"),
              no_tls);
    const struct exchange_certificate *blamed = NULL;
    for (size_t i = 0; i < ch->shown.count; i++) {
        const struct exchange_certificate *c = ch->shown.candidates[i];
        bool covers = ch->has_pair ? exchange_certificate_equals(c, ch->shown.name)
                                   : exchange_certificate_covers(c, ch->shown.name);
        if (!covers)
            continue;
        blamed = c;
        examine_quote_certificate(e, f, c, ch->shown.verdicts[i]);
    }
    if (key && blamed)
        step_restore_key(e, f, blamed);
    else
        examine_step(e, f,
                     SPAN("Import-Certificate -FilePath 'C:\\Temp\\intermediate.cer' "
                          "-CertStoreLocation Cert:\\LocalMachine\\CA"),
                     SPAN("the issuer's intermediate certificate, from the CA that issued it"),
                     SPAN_NONE);
    finish_steps(e, f, g);
}

static void examine_group(struct examination *e, struct group *g)
{
    const struct connector_choice *ch = g->items[0];
    struct span server = examine_server_of(e, ch->shown.connector);
    const struct exchange_certificate *nameless =
        ch->shown.connector->sends ? NULL : only_nameless_smtp(e, server);
    bool named = ch->state == CHOICE_NO_NAME || ch->state == CHOICE_UNUSABLE;
    if (nameless && named && ch->complete) {
        blame_nameless(e, g, nameless);
        return;
    }
    switch (ch->state) {
    case CHOICE_BAD_PAIR: blame_pair(e, g, true); break;
    case CHOICE_STALE_PAIR: blame_pair(e, g, false); break;
    case CHOICE_NO_NAME: blame_name(e, g); break;
    case CHOICE_UNUSABLE: blame_unusable(e, g); break;
    case CHOICE_NONE_ELIGIBLE: blame_ineligible(e, g); break;
    case CHOICE_GOOD:
    case CHOICE_UNKNOWN:
    case CHOICE_NO_TLS: break;
    }
}

void examine_connectors(struct examination *e)
{
    for (size_t i = 0; i < e->choice_count; i++) {
        if (e->choices[i].explained)
            continue;
        struct group g = group_of(e, i);
        if (g.count)
            examine_group(e, &g);
    }
}
