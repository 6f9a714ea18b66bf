/* What Exchange would present on each connector, as far as the prints tell. */
#include "policy/exchange_examine.h"

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
        v.candidates[v.count] = (struct candidate){exchange_certificate_as_judged(e->arena, c),
                                                   exchange_certificate_chain(c)};
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

/* Of a certificate that was printed without its subject or its issuer. */
static bool may_equal(const struct exchange_certificate *c, struct span pair)
{
    bool subject = !c->subject.text.n || span_search(pair, c->subject.text) < pair.n;
    bool issuer = !c->issuer.text.n || span_search(pair, c->issuer.text) < pair.n;
    return (!c->subject.text.n || !c->issuer.text.n) && subject && issuer;
}

static bool pairs_unknown(const struct store_view *v, struct span pair)
{
    for (size_t i = 0; i < v->count; i++)
        if (may_equal(v->of[i], pair))
            return true;
    return false;
}

/* Which of several is taken cannot be told where it was not printed when one begins, or whether the
 * first has its key. */
static bool order_unknown(const struct connector_choice *ch, const struct store_view *v)
{
    const struct exchange_certificate *first = ch->shown.chosen;
    if (first && ch->covering > 1 && first->has_private_key == CANNOT_TELL)
        return true;
    for (size_t i = 0; i < v->count && ch->covering > 1; i++)
        if (!v->of[i]->not_before.text.n && !v->of[i]->parsed)
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
    if (ch->state == CHOICE_STALE_PAIR && pairs_unknown(&v, ch->shown.name))
        ch->state = CHOICE_UNKNOWN;
    bool sure = ch->complete && (ch->has_pair || !v.names_missing) &&
                k->tls_certificate_name.printed && !order_unknown(ch, &v);
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
                                     is_named_after(k, exchange_first_label(ch->shown.name)));
    bool nothing_listed = !e->c->certificates_listed && e->c->certificate_count == 0;
    ch->state = CHOICE_UNKNOWN;
    bool judged = k->enabled != KNOWN_NO && ch->shown.name.n && (!k->sends || ch->has_pair);
    if (judged && !k->sends && !has_tls(k))
        ch->state = CHOICE_NO_TLS;
    else if (judged && ch->has_pair && !is_pair(ch->shown.name))
        ch->state = CHOICE_BAD_PAIR;
    else if (judged && ch->has_pair && pin_parse(e->arena, ch->shown.name, &pin, &why) != OK)
        ch->state = ch->complete ? CHOICE_STALE_PAIR : CHOICE_UNKNOWN; /* no X.500 names in it */
    else if (judged && !nothing_listed)
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
        struct connector_choice *ch = examine_choice_of_event(e, event);
        if (!ch)
            choice_of_event(e, &e->choices[e->choice_count++], event, NULL);
        else if (!ch->event && lacks_what_event_tells(ch, event))
            choice_of_event(e, ch, event, ch->shown.connector);
    }
}

/* An event does not always say its server, and connectors of several servers may share a name: then
 * it is the one that looks for what the event says. */
struct connector_choice *examine_choice_of_event(struct examination *e,
                                                 const struct exchange_event *event)
{
    struct connector_choice *best = examine_choice_of(e, event->connector.text, false);
    for (size_t i = 0; best && i < e->choice_count; i++) {
        struct connector_choice *ch = &e->choices[i];
        const struct exchange_connector *k = ch->shown.connector;
        struct span server = examine_server_of(e, k);
        if (!k->sends && span_ieq(k->name.text, best->shown.connector->name.text) &&
            span_ieq(ch->shown.name, event->domain_name.text) &&
            (!event->computer.n || !server.n ||
             span_ieq(exchange_first_label(event->computer), exchange_first_label(server))))
            return ch;
    }
    return best;
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
            (!server.n || !of.n ||
             span_ieq(exchange_first_label(of), exchange_first_label(server))))
            return &e->choices[i];
    }
    return NULL;
}
