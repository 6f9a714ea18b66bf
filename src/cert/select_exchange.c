/* Exchange's choice for inbound STARTTLS as Microsoft documents it ("Selection of inbound STARTTLS
 * certificates", Exchange 2013 to SE), step by step. Where the page is silent, so are these rules:
 * dates, key usage, key strength and exact names before wildcards do not count. */
#include "cert/certificate_build.h"
#include "cert/select_rules.h"

static bool has_pin(const struct selection_request *r)
{
    return r->pin && r->pin->kind != PIN_NONE;
}

/* The value of an attribute in printed X.500 text at *at, which is then behind the value's
 * separator. */
static struct span next_attribute(struct span text, size_t *at)
{
    size_t from = *at, end = from;
    bool quoted = false;
    for (; end < text.n && (quoted || (text.p[end] != ',' && text.p[end] != '+')); end++)
        quoted ^= text.p[end] == '"';
    *at = end + 1;
    return span_trim(span_make(text.p + from, end - from));
}

/* "The name in Subject or SAN": unlike a TLS client, Exchange takes a CN beside a subjectAltName.
 * The wildcard stands for one label here as well. */
static bool subject_carries(const struct certificate *c, struct span name)
{
    struct arena arena = ARENA_INIT;
    bool carries = false;
    for (size_t at = 0; at < c->subject.n && !carries;) {
        struct span attribute = next_attribute(c->subject, &at), normal;
        if (!span_istarts(attribute, SPAN("CN=")) ||
            host_name_normalise(&arena, span_skip(attribute, 3), true, &normal) != OK)
            continue;
        struct certificate only = {.names = &normal, .name_count = 1};
        carries = certificate_covers(&only, name) != NAME_NO_MATCH;
    }
    arena_done(&arena);
    return carries;
}

static bool carries_name(const struct candidate *candidate, const struct selection_request *r)
{
    const struct certificate *c = candidate->certificate;
    if (has_pin(r))
        return true;
    return certificate_covers(c, r->name) != NAME_NO_MATCH || subject_carries(c, r->name);
}

static bool equals_pair(const struct candidate *candidate, const struct selection_request *r)
{
    return !has_pin(r) || pin_matches(r->pin, candidate->certificate);
}

static struct span show_pair(struct arena *arena, const struct certificate *c,
                             const struct selection_request *r)
{
    (void)r;
    return arena_printf(arena, "it is <I>" SPAN_FMT "<S>" SPAN_FMT, SPAN_ARG(c->issuer),
                        SPAN_ARG(c->subject));
}

static bool is_version3(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->version >= 3;
}

static bool has_key(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->key || candidate->certificate->key_matches;
}

static bool is_pki_issued(const struct candidate *candidate)
{
    return !candidate->certificate->self_signed && candidate->chain == CHAIN_TRUSTED;
}

static bool may_be_taken(const struct candidate *candidate, const struct selection_request *r)
{
    (void)r;
    return candidate->certificate->self_signed || is_pki_issued(candidate);
}

/* Steps 3 to 7. The page's list of conditions also has "enabled for SMTP", and its note takes that
 * back: a matching certificate without it is chosen all the same. So there is no rule for it here,
 * and the verdict on the chosen one says what will happen. */
static const struct eligibility_rule eligibility[] = {
    {"equals TlsCertificateName where that is set",
     "TlsCertificateName names another issuer and subject, and the Fqdn does not stand in for it",
     VERDICT_NOT_PINNED, equals_pair, show_pair},
    {"else carries the connector's Fqdn, or the server's, in Subject or SAN",
     "neither its Subject nor its SAN carries the name", VERDICT_NAME_NOT_COVERED, carries_name,
     rules_names},
    {"X.509 version 3 or later", "it is older than X.509 version 3", VERDICT_NOT_V3, is_version3,
     NULL},
    {"has a private key", "it has no private key", VERDICT_KEY_MISSING, has_key, NULL},
    {"issued by a PKI with a valid chain, or self-signed",
     "it is issued by a PKI, but its chain is not valid on this server", VERDICT_CHAIN_NOT_VALID,
     may_be_taken, NULL},
};

static int by_origin(const struct judged *a, const struct judged *b)
{
    return rules_order(is_pki_issued(b->candidate), is_pki_issued(a->candidate));
}

static int by_issue(const struct judged *a, const struct judged *b)
{
    return rules_order(b->candidate->certificate->not_before_ms,
                       a->candidate->certificate->not_before_ms);
}

static int by_thumbprint(const struct judged *a, const struct judged *b)
{
    return strcmp(a->candidate->certificate->thumbprint, b->candidate->certificate->thumbprint);
}

/* Step 7: sorted by "valid from", the first that a PKI issued; only then the first self-signed one.
 */
static const struct preference_rule preference[] = {
    {"PKI-issued with a valid chain before self-signed",
     "it is self-signed, and one that a PKI issued is taken first", by_origin},
    {"newest \"valid from\" first",
     "the chosen one is valid from a later time; nothing else counts", by_issue},
    {"undocumented", "equal in all that is documented; the lower thumbprint is assumed",
     by_thumbprint},
};

static const struct rule_set rules = {eligibility, COUNT_OF(eligibility), preference,
                                      COUNT_OF(preference)};

static void add_trap(struct buf *out, const char *text)
{
    buf_addf(out, "%s%s", out->n ? "; " : "", text);
}

/* What a reader would not expect of the chosen one. */
static struct span explain_traps(struct arena *arena, const struct selection_request *r,
                                 size_t best)
{
    const struct certificate *c = r->candidates[best].certificate;
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    if (!(c->services & r->service))
        add_trap(
            &out,
            "it is not enabled for SMTP, which does not keep Exchange from choosing it: TLS fails "
            "later, in the handshake");
    if (r->now_ms > c->not_after_ms)
        add_trap(&out, "it has expired: event 12016, and STARTTLS is still advertised with it");
    if (r->now_ms < c->not_before_ms)
        add_trap(&out, "it is not valid yet, which no documented rule asks for");
    if (!c->server_auth)
        add_trap(&out,
                 "its extended key usage lacks serverAuth, which no documented rule asks for");
    if (c->self_signed)
        add_trap(&out, "it is self-signed: no eligible certificate of a PKI has a valid chain");
    struct span traps = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return traps;
}

struct selection certificate_select_exchange(struct arena *arena, const struct selection_request *r)
{
    struct selection s = {.verdicts = rules_judge(arena, &rules, r)};
    bool *eligible = ARENA_ARRAY(arena, bool, r->count);
    for (size_t i = 0; i < r->count; i++)
        eligible[i] = s.verdicts[i].reason == VERDICT_LESS_PREFERRED;
    size_t best = rules_best(&rules, r, s.verdicts, eligible);
    bool found = best < r->count;
    if (has_pin(r))
        s.pin = found ? PIN_HELD : PIN_BROKEN;
    if (!found)
        return s;
    rules_explain(&rules, r, s.verdicts, best);
    s.chosen = r->candidates[best].certificate;
    s.name_covered = true; /* else it were not eligible */
    s.expired = s.verdicts[best].expired;
    s.verdicts[best].reason = VERDICT_CHOSEN;
    s.verdicts[best].detail = explain_traps(arena, r, best);
    return s;
}
