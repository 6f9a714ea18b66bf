/* The certificates and servers of a case: what is known of each, and which one is meant. */
#include "base/text.h"
#include "policy/exchange_examine.h"

static bool word_is(const struct exchange_value *value, const char *word)
{
    return value->printed && span_ieq(value->text, span_of(word));
}

/* "Untrusted" is what a self-signed certificate may well be and still serve. */
static bool status_rules_out(const struct exchange_certificate *c)
{
    return word_is(&c->status, "Invalid") || word_is(&c->status, "Revoked") ||
           word_is(&c->status, "PendingRequest") ||
           (word_is(&c->status, "Untrusted") && c->self_signed != KNOWN_YES);
}

bool exchange_certificate_has_smtp(const struct exchange_certificate *c)
{
    return c->services_known == KNOWN_YES && (c->services & EXCHANGE_SMTP);
}

bool exchange_certificate_lacks_smtp(const struct exchange_certificate *c)
{
    return c->services_known == KNOWN_YES && !(c->services & EXCHANGE_SMTP);
}

bool exchange_certificate_is_public(const struct exchange_certificate *c)
{
    return c->self_signed == KNOWN_NO && !word_is(&c->status, "PendingRequest");
}

bool exchange_connector_is_default(const struct exchange_connector *k)
{
    static const char *const heads[] = {"Default ", "Client Proxy", "Client Frontend",
                                        "Outbound Proxy"};
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (!k->sends && span_istarts(k->name.text, span_of(heads[i])))
            return true;
    return false;
}

bool exchange_certificate_is_auth(const struct exchange_certificate *c)
{
    return span_search(c->subject.text, SPAN("Microsoft Exchange Server Auth Certificate")) <
               c->subject.text.n ||
           span_ieq(c->friendly_name.text, SPAN("Microsoft Exchange Server Auth Certificate"));
}

enum known exchange_certificate_expired(const struct examination *e,
                                        const struct exchange_certificate *c)
{
    if (word_is(&c->status, "DateInvalid"))
        return KNOWN_YES;
    return exchange_time_passed(&c->not_after, e->now_ms);
}

enum known exchange_certificate_usable(const struct examination *e,
                                       const struct exchange_certificate *c)
{
    if (exchange_certificate_lacks_smtp(c) || c->has_private_key == KNOWN_NO ||
        status_rules_out(c) || exchange_certificate_expired(e, c) == KNOWN_YES)
        return KNOWN_NO;
    bool told = c->services_known == KNOWN_YES && c->has_private_key == KNOWN_YES;
    return told ? KNOWN_YES : CANNOT_TELL;
}

/* ---- the print as the value that the rules of selection judge ---- */

static void fill_names(struct arena *arena, const struct exchange_certificate *c,
                       struct certificate *out)
{
    struct span *names = ARENA_ARRAY(arena, struct span, c->domains.count);
    for (size_t i = 0; i < c->domains.count; i++) {
        struct span name = arena_copy(arena, c->domains.items[i]);
        text_lower_all((char *)name.p, name.n);
        names[i] = name;
    }
    out->names = names;
    out->name_count = c->domains.count;
}

struct certificate *exchange_certificate_as_judged(struct arena *arena,
                                                   const struct exchange_certificate *c)
{
    struct certificate *out = ARENA_NEW(arena, struct certificate);
    fill_names(arena, c, out);
    out->subject = c->subject.text;
    out->issuer = c->issuer.text;
    out->serial = c->serial.text;
    out->self_signed = c->self_signed == KNOWN_YES;
    out->key_matches = c->has_private_key != KNOWN_NO;
    out->server_auth = true;
    out->services = exchange_certificate_lacks_smtp(c) ? 0 : (unsigned)SERVICE_SMTP;
    out->version = c->parsed ? c->parsed->version : 3;
    out->not_before_ms = c->not_before.earliest_ms;
    out->not_after_ms = c->not_after.printed ? c->not_after.latest_ms : INT64_MAX;
    size_t n = c->thumbprint.text.n < CERT_THUMBPRINT_HEX ? c->thumbprint.text.n : 0;
    for (size_t i = 0; i < n; i++)
        out->thumbprint[i] = text_lower(c->thumbprint.text.p[i]);
    return out;
}

enum chain_state exchange_certificate_chain(const struct exchange_certificate *c)
{
    if (c->self_signed == KNOWN_YES)
        return CHAIN_SELF_SIGNED;
    return status_rules_out(c) ? CHAIN_INCOMPLETE : CHAIN_TRUSTED;
}

bool exchange_certificate_covers(const struct exchange_certificate *c, struct span name)
{
    struct arena arena = ARENA_INIT;
    struct candidate candidate = {exchange_certificate_as_judged(&arena, c), CHAIN_TRUSTED};
    ((struct certificate *)candidate.certificate)->key_matches = true;
    struct selection_request request = {
        .name = name, .service = SERVICE_SMTP, .candidates = &candidate, .count = 1};
    struct selection s = certificate_select_exchange(&arena, &request);
    bool covers = s.verdicts[0].reason != VERDICT_NAME_NOT_COVERED;
    arena_done(&arena);
    return covers;
}

bool exchange_certificate_equals(const struct exchange_certificate *c, struct span pair)
{
    struct arena arena = ARENA_INIT;
    struct pin pin;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    bool equals = pin_parse(&arena, pair, &pin, &why) == OK && pin.kind == PIN_ISSUER_SUBJECT &&
                  pin_matches(&pin, exchange_certificate_as_judged(&arena, c));
    buf_done(&why);
    arena_done(&arena);
    return equals;
}

/* ---- servers ---- */

const struct exchange_server *examine_server(const struct examination *e, struct span name)
{
    for (size_t i = 0; i < e->c->server_count; i++)
        if (span_ieq(e->c->servers[i].name.text, name) ||
            span_ieq(e->c->servers[i].fqdn.text, name))
            return &e->c->servers[i];
    return NULL;
}

struct span examine_server_of(const struct examination *e, const struct exchange_connector *k)
{
    if (k->server.text.n)
        return k->server.text;
    size_t slash = span_find(k->identity.text, '\\');
    if (slash < k->identity.text.n)
        return span_head(k->identity.text, slash);
    return e->c->server_count == 1 ? e->c->servers[0].name.text : SPAN_NONE;
}

struct span exchange_first_label(struct span name)
{
    return span_head(name, span_find(name, '.'));
}

bool exchange_name_is_internal(struct span name)
{
    static const char *const endings[] = {".local", ".lan",  ".internal", ".corp",       ".intra",
                                          ".dom",   ".home", ".lab",      ".localdomain"};
    bool internal = span_find(name, '.') == name.n;
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        internal |= span_iends(name, span_of(endings[i]));
    return internal;
}

bool examine_is_own_name(const struct examination *e, struct span name, struct span server)
{
    if (!name.n)
        return false;
    struct span label = exchange_first_label(name);
    if (server.n && span_ieq(label, exchange_first_label(server)))
        return true;
    for (size_t i = 0; i < e->c->server_count; i++)
        if (span_ieq(e->c->servers[i].fqdn.text, name) ||
            span_ieq(e->c->servers[i].name.text, label))
            return true;
    return false;
}

bool exchange_certificate_on(const struct exchange_certificate *c, struct span server)
{
    return !c->from_wire &&
           (!server.n || !c->server.text.n ||
            span_ieq(exchange_first_label(c->server.text), exchange_first_label(server)));
}

bool examine_store_complete(const struct examination *e, struct span server)
{
    if (!e->c->certificates_listed)
        return false;
    bool any = e->c->certificate_count == 0;
    for (size_t i = 0; i < e->c->certificate_count; i++)
        any |= exchange_certificate_on(&e->c->certificates[i], server);
    return any;
}

enum exchange_certainty examine_absence(const struct examination *e)
{
    return e->c->certificates_cut ? EXCHANGE_PROBABLE : EXCHANGE_CERTAIN;
}

/* ---- certificates ---- */

/* One digit too many, too few or other: thumbprints are retyped and copied with what surrounds
 * them. */
static bool nearly_equal(struct span a, struct span b)
{
    if (a.n > b.n) {
        struct span longer = a;
        a = b;
        b = longer;
    }
    if (a.n < 20 || b.n - a.n > 1)
        return false;
    size_t head = 0;
    while (head < a.n && text_lower(a.p[head]) == text_lower(b.p[head]))
        head++;
    return span_ieq(span_skip(a, head + (a.n == b.n)), span_skip(b, head + 1));
}

const struct exchange_certificate *examine_certificate(const struct examination *e,
                                                       struct span thumbprint)
{
    const struct exchange_certificate *near = NULL;
    for (size_t i = 0; i < e->c->certificate_count && thumbprint.n; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (c->from_wire)
            continue;
        if (span_ieq(c->thumbprint.text, thumbprint))
            return c;
        if (nearly_equal(c->thumbprint.text, thumbprint))
            near = c;
    }
    return near;
}

/* Higher is better: issued by a CA, same subject as what it replaces, enabled already. */
static int rank_successor(const struct exchange_certificate *c, struct span old_pair)
{
    size_t subject = span_search(old_pair, SPAN("<S>"));
    bool same_subject = subject < old_pair.n && c->subject.text.n &&
                        span_ieq(span_skip(old_pair, subject + 3), c->subject.text);
    return (same_subject ? 4 : 0) + (exchange_certificate_is_public(c) ? 2 : 0) +
           (exchange_certificate_has_smtp(c) ? 1 : 0);
}

const struct exchange_certificate *examine_successor(const struct examination *e, struct span name,
                                                     struct span server, struct span old_pair)
{
    const struct exchange_certificate *best = NULL;
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (!exchange_certificate_on(c, server) || c->has_private_key == KNOWN_NO ||
            status_rules_out(c) || exchange_certificate_expired(e, c) == KNOWN_YES ||
            exchange_certificate_is_auth(c) || (name.n && !exchange_certificate_covers(c, name)))
            continue;
        if (!name.n && !exchange_certificate_is_public(c))
            continue;
        int better = best ? rank_successor(c, old_pair) - rank_successor(best, old_pair) : 1;
        if (better > 0 || (better == 0 && c->not_before.earliest_ms > best->not_before.earliest_ms))
            best = c;
    }
    return best;
}
