/* What is wrong with the certificate that a receive connector presents: the events that Exchange
 * knows as 12014, 12016, 12018 and 12024. One of them is told per connector, the worst. */
#include "policy/diagnosis.h"
#include "policy/remedy.h"

/* Why a certificate that would do cannot be presented: what to mend, and the fault it is known as.
 */
struct hindrance {
    enum verdict_reason reason;
    const char *fault, *text;
    struct span (*remedy)(struct arena *arena, const struct certificate *c, struct span name);
};

static struct span enable(struct arena *arena, const struct certificate *c, struct span name)
{
    (void)name;
    return remedy_enable(arena, c, "smtp");
}

static struct span import(struct arena *arena, const struct certificate *c, struct span name)
{
    (void)name;
    return remedy_import(arena, c);
}

static struct span request(struct arena *arena, const struct certificate *c, struct span name)
{
    (void)c;
    return remedy_cover(arena, NULL, name);
}

static const struct hindrance hindrances[] = {
    {VERDICT_NOT_ENABLED, "F02", "is not enabled for smtp", enable},
    {VERDICT_KEY_MISMATCH, "F12", "lies beside the private key of another certificate", import},
    {VERDICT_KEY_MISSING, "F12", "has no private key", import},
    {VERDICT_WEAK_KEY, "F30", "is signed or keyed too weakly to be accepted", request},
    {VERDICT_WRONG_EKU, "", "is not meant for servers (extended key usage)", request},
    {VERDICT_NOT_V3, "", "is no X.509 version 3 certificate", request},
};

/* A certificate for the name that is valid now and cannot be presented; NULL: there is none. */
static const struct hindrance *find_hindered(const struct diagnosis *d, const struct standing *s,
                                             size_t *candidate)
{
    for (size_t h = 0; h < COUNT_OF(hindrances); h++)
        for (size_t i = 0; i < d->facts->state.count; i++) {
            const struct verdict *v = &s->selection.verdicts[i];
            const struct certificate *c = d->facts->state.candidates[i].certificate;
            if (v->reason != hindrances[h].reason || v->match == NAME_NO_MATCH || v->expired)
                continue;
            /* What is not enabled may lack its key as well; then the key comes first. */
            if (v->reason == VERDICT_NOT_ENABLED && (!c->key_matches || c->self_signed))
                continue;
            *candidate = i;
            return &hindrances[h];
        }
    return NULL;
}

/* Names the certificate to mend in the finding; false: there is none. */
static bool blame_hindered(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    size_t i;
    const struct hindrance *h = find_hindered(d, s, &i);
    if (!h)
        return false;
    const struct certificate *c = d->facts->state.candidates[i].certificate;
    struct span found = diagnosis_certificate(d, c);
    d->told[i] = true;
    f->fault = span_of(h->fault);
    f->cause = arena_printf(d->arena, "a certificate for " SPAN_FMT " is there, but it %s",
                            SPAN_ARG(s->connector->fqdn), h->text);
    f->evidence = found;
    f->remedy = h->remedy(d->arena, c, s->connector->fqdn);
    f->safe_fix = h->reason == VERDICT_NOT_ENABLED;
    return true;
}

/* What peers will do about it. */
static struct span consequence(struct diagnosis *d, const struct standing *s)
{
    const struct receive_connector *c = s->connector;
    if (!s->takes_mail)
        return SPAN("no mail can be received on this connector");
    if (!s->offers_tls)
        return SPAN("STARTTLS is not offered: mail arrives in clear text, and peers that require "
                    "TLS do not deliver");
    if (c->partner_count == 0)
        return SPAN("mail is still encrypted; peers that verify the certificate do not deliver");
    return arena_printf(d->arena,
                        "partners that verify the name do not deliver (" SPAN_FMT
                        "%s); others are still encrypted",
                        SPAN_ARG(c->partners[0]), c->partner_count > 1 ? " and more" : "");
}

static bool judge_nothing_usable(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    if (s->selection.chosen || s->selection.pin == PIN_BROKEN)
        return false;
    f->severity = FINDING_RED;
    f->consequence = consequence(d, s);
    if (blame_hindered(d, s, f))
        return true;
    f->cause = d->facts->state.count ? SPAN("no certificate in the store can be presented")
                                     : SPAN("the store holds no certificate");
    f->evidence =
        arena_printf(d->arena, "%zu certificates, none usable for smtp", d->facts->state.count);
    f->remedy = remedy_join(
        d->arena, remedy_cover(d->arena, NULL, s->connector->fqdn),
        arena_printf(d->arena, "sealpost cert new " SPAN_FMT, SPAN_ARG(s->connector->fqdn)));
    return true;
}

/* Names that the certificate has and that could be the connector's: the first one, as a host name.
 */
static struct span name_to_take(const struct certificate *c)
{
    for (size_t i = 0; i < c->name_count; i++)
        if (!span_starts(c->names[i], SPAN("*.")))
            return c->names[i];
    return SPAN_NONE;
}

static bool judge_name(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct certificate *c = s->selection.chosen;
    if (!c || s->selection.name_covered)
        return false;
    bool hard = !s->takes_mail || !s->offers_tls || s->connector->partner_count > 0;
    f->severity = hard ? FINDING_RED : FINDING_YELLOW;
    f->consequence = consequence(d, s);
    if (blame_hindered(d, s, f))
        return true;
    struct span name = name_to_take(c);
    f->cause =
        arena_printf(d->arena, "no certificate covers " SPAN_FMT, SPAN_ARG(s->connector->fqdn));
    f->evidence = arena_printf(d->arena, "presented instead: " SPAN_FMT,
                               SPAN_ARG(diagnosis_certificate(d, c)));
    f->remedy = remedy_cover(d->arena, c, s->connector->fqdn);
    if (name.n)
        f->remedy =
            remedy_join(d->arena, f->remedy, remedy_set(d->arena, s->connector, "fqdn", name));
    return true;
}

static bool judge_expired(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct certificate *c = s->selection.chosen;
    if (!c || !s->selection.name_covered || !s->selection.expired)
        return false;
    f->severity = FINDING_RED;
    f->consequence = consequence(d, s);
    if (blame_hindered(d, s, f))
        return true;
    f->cause = arena_printf(d->arena,
                            "the certificate for " SPAN_FMT " has expired and is still presented",
                            SPAN_ARG(s->connector->fqdn));
    f->evidence = diagnosis_certificate(d, c);
    f->remedy =
        c->self_signed ? remedy_cover(d->arena, c, s->connector->fqdn) : remedy_renew(d->arena, c);
    return true;
}

/* A strict pin, or a pin by thumbprint, keeps out the renewed certificate that is there already. */
static const struct certificate *find_unpinned(const struct diagnosis *d, const struct standing *s)
{
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct verdict *v = &s->selection.verdicts[i];
        const struct certificate *c = d->facts->state.candidates[i].certificate;
        if (v->reason == VERDICT_NOT_PINNED && v->match != NAME_NO_MATCH && !v->expired &&
            c->not_after_ms > s->selection.chosen->not_after_ms)
            return c;
    }
    return NULL;
}

static bool judge_expires_soon(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    enum { STAGE_RED = 4 }; /* less than four days of a usual lifetime */
    const struct certificate *c = s->selection.chosen;
    if (!c || !s->selection.name_covered || s->selection.expired || s->expiry == 0)
        return false;
    f->severity = s->expiry >= STAGE_RED ? FINDING_RED : FINDING_YELLOW;
    f->stage = s->expiry;
    struct buf when = BUF_INIT(200);
    standing_add_time(&when, c->not_after_ms, d->facts->now_ms);
    f->consequence = SPAN("from then on peers that verify the certificate do not deliver");
    if (!blame_hindered(d, s, f)) {
        const struct certificate *newer = find_unpinned(d, s);
        f->evidence = diagnosis_certificate(d, c);
        f->cause = arena_printf(d->arena, "the certificate for " SPAN_FMT " expires %s%s",
                                SPAN_ARG(s->connector->fqdn), buf_text(&when),
                                newer ? ", and the pin keeps out a newer one" : "");
        f->remedy = newer ? remedy_set(d->arena, s->connector, "pin", span_of(newer->thumbprint))
                    : c->self_signed ? remedy_cover(d->arena, c, s->connector->fqdn)
                                     : remedy_renew(d->arena, c);
    }
    buf_done(&when);
    return true;
}

static bool judge_stand_in(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct certificate *c = s->selection.chosen;
    if (!c || !c->self_signed || !s->selection.name_covered || s->selection.expired || s->expiry)
        return false;
    if (!blame_hindered(d, s, f))
        return false;
    f->evidence = arena_printf(d->arena, SPAN_FMT "; standing in: " SPAN_FMT, SPAN_ARG(f->evidence),
                               SPAN_ARG(diagnosis_certificate(d, c)));
    f->severity = s->connector->partner_count ? FINDING_RED : FINDING_YELLOW;
    f->consequence = consequence(d, s);
    return true;
}

/* ---- pins ---- */

/* The certificate that the pin most probably means now: the same subject from another issuer. */
static const struct certificate *find_heir(const struct diagnosis *d, const struct standing *s)
{
    struct span text = s->connector->pin;
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct certificate *c = d->facts->state.candidates[i].certificate;
        const struct verdict *v = &s->selection.verdicts[i];
        bool usable = v->reason == VERDICT_CHOSEN || v->reason == VERDICT_LESS_PREFERRED ||
                      v->reason == VERDICT_NOT_PINNED;
        bool subject = c->subject.n && span_search(text, c->subject) < text.n;
        if (usable && v->match != NAME_NO_MATCH && (subject || c == s->selection.chosen))
            return c;
    }
    return s->selection.chosen;
}

static struct span pin_value(struct arena *arena, const struct receive_connector *connector,
                             const struct certificate *c)
{
    if (span_istarts(connector->pin, SPAN("<I>")))
        return arena_printf(arena, "<I>" SPAN_FMT "<S>" SPAN_FMT, SPAN_ARG(c->issuer),
                            SPAN_ARG(c->subject));
    return span_istarts(connector->pin, SPAN("spki:")) ? arena_printf(arena, "spki:%s", c->spki)
                                                       : span_of(c->thumbprint);
}

static bool judge_stale_pin(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    bool broken = s->selection.pin == PIN_BROKEN;
    const struct receive_connector *c = s->connector;
    if (!broken && s->selection.pin != PIN_FELL_BACK)
        return false;
    const struct certificate *heir = find_heir(d, s);
    f->severity = broken ? FINDING_RED : FINDING_YELLOW;
    f->event = broken ? EVENT_STARTTLS_MISMATCH : EVENT_PIN_STALE;
    f->cause = arena_printf(d->arena, "the pin " SPAN_FMT " names no usable certificate",
                            SPAN_ARG(c->pin));
    f->evidence = heir ? arena_printf(d->arena, "%s" SPAN_FMT,
                                      broken ? "it could name " : "presented by name instead: ",
                                      SPAN_ARG(diagnosis_certificate(d, heir)))
                       : SPAN("no certificate in the store could take its place");
    f->consequence = broken ? consequence(d, s)
                            : SPAN("the certificate was chosen by name; peers that know the pinned "
                                   "one may refuse");
    f->remedy = heir ? remedy_set(d->arena, c, "pin", pin_value(d->arena, c, heir))
                     : remedy_cover(d->arena, NULL, c->fqdn);
    f->remedy = remedy_join(d->arena, f->remedy, remedy_unpin(d->arena, c));
    return true;
}

/* ---- what is presented, though it could be better ---- */

static bool judge_newer_not_enabled(struct diagnosis *d, const struct standing *s,
                                    struct finding *f)
{
    const struct certificate *chosen = s->selection.chosen;
    if (!chosen || chosen->self_signed || !s->selection.name_covered || s->selection.expired ||
        s->expiry)
        return false;
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct certificate *c = d->facts->state.candidates[i].certificate;
        const struct verdict *v = &s->selection.verdicts[i];
        if (v->reason != VERDICT_NOT_ENABLED || v->match == NAME_NO_MATCH || v->expired ||
            c->self_signed || !c->key_matches || c->not_before_ms <= chosen->not_before_ms)
            continue;
        f->cause = arena_printf(d->arena,
                                "a newer certificate for " SPAN_FMT
                                " is not enabled for smtp, so it does not take over",
                                SPAN_ARG(s->connector->fqdn));
        f->evidence = diagnosis_certificate(d, c);
        f->consequence = SPAN("the older one is presented until it expires");
        f->remedy = remedy_enable(d->arena, c, "smtp");
        f->safe_fix = true;
        return true;
    }
    return false;
}

/* An exact name goes before a wildcard, whoever signed it: so a self-signed one can win. */
static bool judge_untrusted_chosen(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct certificate *chosen = s->selection.chosen;
    if (!chosen || s->chain == CHAIN_TRUSTED)
        return false;
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct candidate *other = &d->facts->state.candidates[i];
        const struct verdict *v = &s->selection.verdicts[i];
        bool usable = v->reason == VERDICT_LESS_PREFERRED || v->reason == VERDICT_NOT_PINNED;
        if (!usable || other->chain != CHAIN_TRUSTED || v->match == NAME_NO_MATCH || v->expired)
            continue;
        bool pinned = s->selection.pin == PIN_HELD;
        f->fault = pinned ? SPAN("F37") : SPAN("F13");
        f->cause = arena_printf(
            d->arena, "several certificates cover " SPAN_FMT ", and %s one that peers do not trust",
            SPAN_ARG(s->connector->fqdn), pinned ? "the pin names" : "the exact name prefers");
        f->evidence = arena_printf(d->arena, "presented: " SPAN_FMT "; trusted: " SPAN_FMT,
                                   SPAN_ARG(diagnosis_certificate(d, chosen)),
                                   SPAN_ARG(diagnosis_certificate(d, other->certificate)));
        f->consequence = SPAN("peers that verify the chain do not deliver");
        f->remedy = pinned ? remedy_set(d->arena, s->connector, "pin",
                                        span_of(other->certificate->thumbprint))
                           : remedy_disable(d->arena, chosen, "smtp");
        return true;
    }
    return false;
}

static bool is_submission(const struct receive_connector *c)
{
    enum { PORT_SUBMISSION = 587, PORT_SUBMISSIONS = 465 };
    for (size_t i = 0; i < c->bind_count; i++)
        if (c->bind[i].port == PORT_SUBMISSION || c->bind[i].port == PORT_SUBMISSIONS)
            return true;
    return false;
}

/* A trusted certificate under which the connector could go; NULL: there is none. */
static const struct certificate *find_trusted(const struct diagnosis *d, const struct standing *s)
{
    for (size_t i = 0; i < d->facts->state.count; i++) {
        const struct candidate *candidate = &d->facts->state.candidates[i];
        bool usable = s->selection.verdicts[i].reason == VERDICT_NAME_NOT_COVERED;
        if (usable && candidate->chain == CHAIN_TRUSTED && !s->selection.verdicts[i].expired &&
            name_to_take(candidate->certificate).n)
            return candidate->certificate;
    }
    return NULL;
}

static bool judge_untrusted_served(struct diagnosis *d, const struct standing *s, struct finding *f)
{
    const struct certificate *chosen = s->selection.chosen;
    bool partners = s->connector->partner_count > 0;
    if (!chosen || s->chain != CHAIN_SELF_SIGNED || !s->selection.name_covered ||
        (!partners && !is_submission(s->connector)))
        return false;
    const struct certificate *trusted = find_trusted(d, s);
    if (!partners && !trusted)
        return false;
    f->severity = partners ? FINDING_RED : FINDING_YELLOW;
    f->cause = arena_printf(d->arena, "a self-signed certificate is presented for " SPAN_FMT,
                            SPAN_ARG(s->connector->fqdn));
    f->evidence = diagnosis_certificate(d, chosen);
    f->consequence = partners ? consequence(d, s) : SPAN("mail programs warn, or refuse to send");
    f->remedy = trusted ? remedy_set(d->arena, s->connector, "fqdn", name_to_take(trusted))
                        : remedy_cover(d->arena, NULL, s->connector->fqdn);
    return true;
}

const struct connector_rule diagnose_connector_rules[] = {
    {"F04", "starttls-no-certificate", EVENT_STARTTLS_MISMATCH, judge_nothing_usable},
    {"F01", "starttls-name-not-covered", EVENT_STARTTLS_MISMATCH, judge_name},
    {"F06", "starttls-certificate-expired", EVENT_STARTTLS_EXPIRED, judge_expired},
    {"", "starttls-certificate-expires-soon", EVENT_STARTTLS_EXPIRES_SOON, judge_expires_soon},
    {"", "starttls-stand-in", EVENT_STAND_IN, judge_stand_in},
    {"F03", "pin-stale", EVENT_PIN_STALE, judge_stale_pin},
    {"F11", "newer-not-enabled", EVENT_NEWER_NOT_ENABLED, judge_newer_not_enabled},
    {"F13", "untrusted-chosen", EVENT_UNTRUSTED_CHOSEN, judge_untrusted_chosen},
    {"F33", "untrusted-served", EVENT_UNTRUSTED_SERVED, judge_untrusted_served},
    {0},
};
