/* What Exchange would present on each connector, as far as the prints tell. */
#include "base/text.h"
#include "policy/exchange_examine.h"

#include "cert/select.h"

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

static struct certificate *as_certificate(struct arena *arena, const struct exchange_certificate *c)
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

static enum chain_state chain_of(const struct exchange_certificate *c)
{
    if (c->self_signed == KNOWN_YES)
        return CHAIN_SELF_SIGNED;
    return status_rules_out(c) ? CHAIN_INCOMPLETE : CHAIN_TRUSTED;
}

bool exchange_certificate_covers(const struct exchange_certificate *c, struct span name)
{
    struct arena arena = ARENA_INIT;
    struct candidate candidate = {as_certificate(&arena, c), CHAIN_TRUSTED};
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
                  pin_matches(&pin, as_certificate(&arena, c));
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

static struct span first_label(struct span name)
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
    struct span label = first_label(name);
    if (server.n && span_ieq(label, first_label(server)))
        return true;
    for (size_t i = 0; i < e->c->server_count; i++)
        if (span_ieq(e->c->servers[i].fqdn.text, name) ||
            span_ieq(e->c->servers[i].name.text, label))
            return true;
    return false;
}

bool exchange_certificate_on(const struct exchange_certificate *c, struct span server)
{
    return !c->from_wire && (!server.n || !c->server.text.n ||
                             span_ieq(first_label(c->server.text), first_label(server)));
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

/* ---- the choice ---- */

struct store_view {
    struct candidate *candidates;
    const struct exchange_certificate **of;
    size_t count;
    bool names_missing; /* some print shows no names, or not all of them */
};

static struct store_view view_store(struct examination *e, struct span server)
{
    struct store_view v = {
        .candidates = ARENA_ARRAY(e->arena, struct candidate, e->c->certificate_count),
        .of = ARENA_ARRAY(e->arena, const struct exchange_certificate *, e->c->certificate_count)};
    for (size_t i = 0; i < e->c->certificate_count; i++) {
        const struct exchange_certificate *c = &e->c->certificates[i];
        if (!exchange_certificate_on(c, server))
            continue;
        v.names_missing |= !c->domains.printed || c->domains.truncated;
        v.candidates[v.count] = (struct candidate){as_certificate(e->arena, c), chain_of(c)};
        v.of[v.count++] = c;
    }
    return v;
}

static bool has_tls(const struct exchange_connector *k)
{
    for (size_t i = 0; i < k->auth_mechanism.count; i++)
        if (span_ieq(k->auth_mechanism.items[i], SPAN("Tls")))
            return true;
    return !k->auth_mechanism.printed;
}

/* What the connector's certificate is looked for by; empty: it cannot be told. */
static struct span wanted_name(struct examination *e, const struct exchange_connector *k)
{
    if (k->tls_certificate_name.text.n)
        return k->tls_certificate_name.text;
    if (k->fqdn.text.n)
        return k->fqdn.text;
    const struct exchange_server *server = examine_server(e, examine_server_of(e, k));
    return k->fqdn.printed && server ? server->fqdn.text : SPAN_NONE;
}

static void count_covering(struct connector_choice *ch, const struct store_view *v,
                           const struct selection *s)
{
    for (size_t i = 0; i < v->count; i++) {
        enum verdict_reason reason = s->verdicts[i].reason;
        if (reason == VERDICT_NAME_NOT_COVERED || reason == VERDICT_NOT_PINNED)
            continue;
        const struct exchange_certificate *c = v->of[i];
        ch->covering++;
        ch->without_smtp += exchange_certificate_lacks_smtp(c);
        ch->without_key += c->has_private_key == KNOWN_NO;
    }
}

static const struct exchange_certificate *
find_usable(const struct examination *e, const struct store_view *v, const struct selection *s)
{
    const struct exchange_certificate *best = NULL;
    for (size_t i = 0; i < v->count; i++) {
        enum verdict_reason reason = s->verdicts[i].reason;
        if ((reason == VERDICT_LESS_PREFERRED || reason == VERDICT_CHOSEN) &&
            exchange_certificate_usable(e, v->of[i]) == KNOWN_YES &&
            (!best || v->of[i]->not_before.earliest_ms > best->not_before.earliest_ms))
            best = v->of[i];
    }
    return best;
}

static enum choice_state judge_choice(const struct connector_choice *ch, const struct store_view *v)
{
    const struct exchange_certificate *chosen = ch->shown.chosen;
    if (chosen) {
        bool lacks_smtp = exchange_certificate_lacks_smtp(chosen);
        return lacks_smtp ? CHOICE_UNUSABLE : CHOICE_GOOD;
    }
    if (ch->covering)
        return CHOICE_NONE_ELIGIBLE;
    /* A pair is not hidden by names that were cut; a subject or issuer that is missing is. */
    if (!ch->complete || (!ch->has_pair && v->names_missing))
        return CHOICE_UNKNOWN;
    return ch->has_pair ? CHOICE_STALE_PAIR : CHOICE_NO_NAME;
}

static bool pairs_unknown(const struct store_view *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (!v->of[i]->subject.text.n || !v->of[i]->issuer.text.n)
            return true;
    return false;
}

static void select_for(struct examination *e, struct connector_choice *ch, const struct pin *pin)
{
    const struct exchange_connector *k = ch->shown.connector;
    struct store_view v = view_store(e, examine_server_of(e, k));
    struct selection_request request = {.name = ch->shown.name,
                                        .service = SERVICE_SMTP,
                                        .now_ms = e->now_ms,
                                        .candidates = v.candidates,
                                        .count = v.count,
                                        .pin = pin};
    struct selection s = certificate_select_exchange(e->arena, &request);
    ch->shown.candidates = v.of;
    ch->shown.count = v.count;
    ch->shown.verdicts = ARENA_ARRAY(e->arena, struct span, v.count);
    for (size_t i = 0; i < v.count; i++) {
        ch->shown.verdicts[i] = s.verdicts[i].detail.n
                                    ? s.verdicts[i].detail
                                    : span_of(verdict_text(s.verdicts[i].reason));
        if (s.chosen == v.candidates[i].certificate)
            ch->shown.chosen = v.of[i];
    }
    count_covering(ch, &v, &s);
    ch->usable = find_usable(e, &v, &s);
    ch->state = judge_choice(ch, &v);
    if (ch->state == CHOICE_STALE_PAIR && pairs_unknown(&v))
        ch->state = CHOICE_UNKNOWN;
    bool sure = ch->complete && !v.names_missing && k->tls_certificate_name.printed;
    ch->shown.certain = !sure ? CANNOT_TELL : ch->shown.chosen ? KNOWN_YES : KNOWN_NO;
}

static bool is_pair(struct span text)
{
    return span_istarts(text, SPAN("<I>")) &&
           (span_search(text, SPAN("<S>")) < text.n || span_search(text, SPAN("<s>")) < text.n);
}

/* "Default Frontend EX1" tells its server's name; "App Relay" tells none. */
static bool is_named_after(const struct exchange_connector *k, struct span label)
{
    size_t blank = span_rfind(k->name.text, ' ');
    return exchange_connector_is_default(k) && blank < k->name.text.n &&
           span_ieq(span_skip(k->name.text, blank + 1), label);
}

static void examine_choice(struct examination *e, struct connector_choice *ch)
{
    const struct exchange_connector *k = ch->shown.connector;
    struct span server = examine_server_of(e, k);
    struct pin pin = {0};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    ch->shown.name = wanted_name(e, k);
    ch->has_pair = k->tls_certificate_name.text.n > 0;
    ch->complete = examine_store_complete(e, server);
    ch->own_name = !ch->has_pair && (examine_is_own_name(e, ch->shown.name, server) ||
                                     is_named_after(k, first_label(ch->shown.name)));
    if (k->enabled == KNOWN_NO || !ch->shown.name.n || (k->sends && !ch->has_pair))
        ch->state = CHOICE_UNKNOWN;
    else if (!k->sends && !has_tls(k))
        ch->state = CHOICE_NO_TLS;
    else if (ch->has_pair && !is_pair(ch->shown.name))
        ch->state = CHOICE_BAD_PAIR;
    else if (ch->has_pair && pin_parse(e->arena, ch->shown.name, &pin, &why) != OK)
        ch->state = ch->complete ? CHOICE_STALE_PAIR : CHOICE_UNKNOWN; /* no X.500 names in it */
    else if (!e->c->certificates_listed && e->c->certificate_count == 0)
        ch->state = CHOICE_UNKNOWN;
    else
        select_for(e, ch, ch->has_pair ? &pin : NULL);
    buf_done(&why);
}

/* Event 12014 tells what was looked for and that nothing was found: what a print lacks, it fills
 * in. `base` is the connector as printed, or NULL. */
static void choice_of_event(struct examination *e, struct connector_choice *ch,
                            const struct exchange_event *event,
                            const struct exchange_connector *base)
{
    struct exchange_connector *k = ARENA_NEW(e->arena, struct exchange_connector);
    if (base) {
        *k = *base;
    } else {
        k->name = event->connector;
        k->server = (struct exchange_value){event->computer.n > 0, event->computer, event->place};
        k->tls_certificate_name = (struct exchange_value){.printed = true, .place = event->place};
        k->place = event->place;
    }
    *(is_pair(event->domain_name.text) ? &k->tls_certificate_name : &k->fqdn) = event->domain_name;
    *ch = (struct connector_choice){.shown.connector = k, .event = event};
    examine_choice(e, ch);
    if (ch->state == CHOICE_UNKNOWN)
        ch->state = ch->has_pair ? CHOICE_STALE_PAIR : CHOICE_NO_NAME;
}

static bool lacks_what_event_tells(const struct connector_choice *ch,
                                   const struct exchange_event *event)
{
    const struct exchange_connector *k = ch->shown.connector;
    if (is_pair(event->domain_name.text))
        return !k->tls_certificate_name.printed;
    return !k->fqdn.printed || ch->state == CHOICE_UNKNOWN;
}

void examine_choices(struct examination *e)
{
    size_t most = e->c->connector_count + e->c->event_count;
    e->choices = ARENA_ARRAY(e->arena, struct connector_choice, most);
    for (size_t i = 0; i < e->c->connector_count; i++) {
        e->choices[i].shown.connector = &e->c->connectors[i];
        examine_choice(e, &e->choices[i]);
    }
    e->choice_count = e->c->connector_count;
    for (size_t i = 0; i < e->c->event_count; i++) {
        const struct exchange_event *event = &e->c->events[i];
        if (event->id != 12014 || !event->domain_name.text.n)
            continue;
        struct connector_choice *ch = examine_choice_of(e, event->connector.text, false);
        if (!ch)
            choice_of_event(e, &e->choices[e->choice_count++], event, NULL);
        else if (!ch->event && lacks_what_event_tells(ch, event))
            choice_of_event(e, ch, event, ch->shown.connector);
    }
}

struct connector_choice *examine_choice_of(struct examination *e, struct span connector, bool sends)
{
    size_t slash = span_find(connector, '\\');
    struct span name = slash < connector.n ? span_skip(connector, slash + 1) : connector;
    struct span server = slash < connector.n ? span_head(connector, slash) : SPAN_NONE;
    for (size_t i = 0; i < e->choice_count && name.n; i++) {
        const struct exchange_connector *k = e->choices[i].shown.connector;
        struct span of = examine_server_of(e, k);
        if (k->sends == sends && span_ieq(k->name.text, name) &&
            (!server.n || !of.n || span_ieq(first_label(of), first_label(server))))
            return &e->choices[i];
    }
    return NULL;
}
