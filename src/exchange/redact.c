#include "exchange/redact.h"

#include <stdlib.h>

#include "base/ip.h"
#include "base/text.h"

enum { HEX_LEAST = 16, PHRASE_LEAST = 3 };

enum kind {
    KIND_DOMAIN,
    KIND_HOST,
    KIND_SERVER,
    KIND_PHRASE,
    KIND_HEX,
    KIND_ADDRESS,
    KIND_USER,
    KINDS
};

/* What was replaced, and by which number of its kind. */
struct stand_in {
    enum kind kind;
    struct span original;
    size_t number;
};

struct redaction {
    struct arena arena;
    struct stand_in *items;
    size_t count, capacity;
    size_t numbers[KINDS];
};

static struct stand_in *find(struct redaction *r, enum kind kind, struct span original)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].kind == kind && span_ieq(r->items[i].original, original))
            return &r->items[i];
    return NULL;
}

static struct stand_in *learn(struct redaction *r, enum kind kind, struct span original)
{
    struct stand_in *known = find(r, kind, original);
    if (known || !original.n)
        return known;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 64;
        struct stand_in *items = ARENA_ARRAY(&r->arena, struct stand_in, capacity);
        for (size_t i = 0; i < r->count; i++)
            items[i] = r->items[i];
        r->items = items;
        r->capacity = capacity;
    }
    r->items[r->count] =
        (struct stand_in){kind, arena_copy(&r->arena, original), ++r->numbers[kind]};
    return &r->items[r->count++];
}

/* ---- what the case holds ---- */

static bool is_cloud(struct span name)
{
    static const char *const clouds[] = {"outlook.com", "microsoft.com", "office365.com",
                                         "office.com", "localhost"};
    for (size_t i = 0; i < COUNT_OF(clouds); i++)
        if (span_iends(name, span_of(clouds[i])))
            return true;
    return false;
}

static bool is_name(struct span name)
{
    bool dot = false;
    for (size_t i = 0; i < name.n; i++) {
        dot |= name.p[i] == '.';
        if (!text_is_alnum(name.p[i]) && !strchr("-._*", name.p[i]))
            return false;
    }
    struct ip ip;
    return dot && ip_parse(name, &ip) != OK;
}

/* "b.example" of "host.a.b.example": the part under which everything is the organisation's. */
static struct span base_of(struct span name)
{
    size_t dot = span_rfind(name, '.');
    if (dot == name.n)
        return name;
    size_t before = span_rfind(span_head(name, dot), '.');
    return before < dot ? span_skip(name, before + 1) : name;
}

static void learn_name(struct redaction *r, struct span name)
{
    if (span_starts(name, SPAN("*.")))
        name = span_skip(name, 2);
    if (is_name(name) && !is_cloud(name))
        learn(r, KIND_DOMAIN, base_of(name));
}

static void learn_server(struct redaction *r, struct span name)
{
    struct span label = span_head(name, span_find(name, '.'));
    if (label.n >= PHRASE_LEAST)
        learn(r, KIND_SERVER, label);
    learn_name(r, name);
}

/* The values of CN, O, OU, L, S in a subject. */
static void learn_subject(struct redaction *r, struct span subject)
{
    struct span part;
    while (span_cut(&subject, ',', &part)) {
        part = span_trim(part);
        size_t equals = span_find(part, '=');
        struct span key = span_head(part, equals), value = span_skip(part, equals + 1);
        if (equals == part.n || span_ieq(key, SPAN("C")) || value.n < PHRASE_LEAST ||
            span_istarts(value, SPAN("Microsoft")) || is_cloud(value))
            continue;
        if (is_name(value) || span_starts(value, SPAN("*.")))
            learn_name(r, value);
        else
            learn(r, KIND_PHRASE, value);
    }
}

static void learn_list(struct redaction *r, const struct exchange_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct span item = list->items[i];
        size_t colon = span_find(item, ':');
        item = colon < item.n ? span_skip(item, colon + 1) : item; /* "SMTP:example.com;5" */
        learn_name(r, span_head(item, span_find(item, ';')));
        if (is_name(list->items[i]))
            learn_name(r, list->items[i]);
    }
}

static void learn_certificates(struct redaction *r, const struct exchange_case *c)
{
    for (size_t i = 0; i < c->certificate_count; i++) {
        const struct exchange_certificate *x = &c->certificates[i];
        learn_server(r, x->server.text);
        learn_list(r, &x->domains);
        if (x->domains.count > 1 && x->self_signed == KNOWN_YES &&
            span_find(x->domains.items[0], '.') == x->domains.items[0].n)
            learn_server(r, x->domains.items[0]); /* the server's own: its NetBIOS name first */
        learn_subject(r, x->subject.text);
    }
}

static void learn_connectors(struct redaction *r, const struct exchange_case *c)
{
    for (size_t i = 0; i < c->connector_count; i++) {
        const struct exchange_connector *k = &c->connectors[i];
        learn_server(r, k->server.text);
        learn_name(r, k->fqdn.text);
        learn_name(r, k->tls_domain.text);
        learn_list(r, &k->address_spaces);
        learn_list(r, &k->smart_hosts);
        for (size_t s = 0; s < k->source_servers.count; s++)
            learn_server(r, k->source_servers.items[s]);
        size_t subject = span_search(k->tls_certificate_name.text, SPAN("<S>"));
        if (subject < k->tls_certificate_name.text.n)
            learn_subject(r, span_skip(k->tls_certificate_name.text, subject + 3));
    }
}

struct redaction *redaction_new(const struct exchange_case *c)
{
    struct redaction *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    for (size_t i = 0; i < c->server_count; i++) {
        learn_server(r, c->servers[i].name.text);
        learn_server(r, c->servers[i].fqdn.text);
    }
    for (size_t i = 0; i < c->event_count; i++) {
        size_t subject = span_search(c->events[i].domain_name.text, SPAN("<S>"));
        learn_server(r, c->events[i].computer);
        learn_name(r, c->events[i].domain_name.text);
        learn_name(r, c->events[i].fqdn.text);
        if (subject < c->events[i].domain_name.text.n)
            learn_subject(r, span_skip(c->events[i].domain_name.text, subject + 3));
    }
    for (size_t i = 0; i < c->session_count; i++)
        learn_name(r, c->sessions[i].server_name.text);
    for (size_t i = 0; i < c->domain_count; i++)
        learn_name(r, c->domains[i].name.text);
    for (size_t i = 0; i < c->error_count; i++)
        learn_server(r, c->errors[i].server);
    learn_certificates(r, c);
    learn_connectors(r, c);
    return r;
}

void redaction_free(struct redaction *r)
{
    arena_done(&r->arena);
    free(r);
}

/* ---- the text ---- */

static void add_stand_in(struct buf *out, const struct stand_in *s)
{
    switch (s->kind) {
    case KIND_DOMAIN: buf_addf(out, "company%zu.example", s->number); break;
    case KIND_HOST: buf_addf(out, "host%zu", s->number); break;
    case KIND_SERVER: buf_addf(out, "SERVER%zu", s->number); break;
    case KIND_PHRASE: buf_addf(out, "Name%zu", s->number); break;
    case KIND_HEX: buf_addf(out, "%040zX", s->number); break;
    case KIND_ADDRESS: buf_addf(out, "192.0.2.%zu", s->number); break;
    case KIND_USER: buf_addf(out, "user%zu", s->number); break;
    case KINDS: break;
    }
}

static bool is_hex(struct span token)
{
    bool digit = false;
    for (size_t i = 0; i < token.n; i++) {
        digit |= text_is_digit(token.p[i]);
        if (text_hex(token.p[i]) < 0)
            return false;
    }
    return digit && token.n >= HEX_LEAST;
}

/* The labels before a known domain, each by its stand-in; false: no known domain ends the name. */
static bool add_name(struct redaction *r, struct buf *out, struct span name)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct stand_in *s = &r->items[i];
        size_t n = s->original.n;
        if (s->kind != KIND_DOMAIN || name.n < n || !span_iends(name, s->original) ||
            (name.n > n && name.p[name.n - n - 1] != '.'))
            continue;
        struct span labels = span_head(name, name.n > n ? name.n - n - 1 : 0), label;
        struct stand_in domain = *s; /* learning moves the array */
        while (labels.n && span_cut(&labels, '.', &label)) {
            struct stand_in *known = find(r, KIND_SERVER, label);
            if (!known)
                known = learn(r, KIND_HOST, label);
            if (known && !span_eq(label, SPAN("*")))
                add_stand_in(out, known);
            else
                buf_add(out, label);
            buf_add_char(out, '.');
        }
        add_stand_in(out, &domain);
        return true;
    }
    return false;
}

static void add_token(struct redaction *r, struct buf *out, struct span token)
{
    struct ip ip;
    if (find(r, KIND_SERVER, token))
        add_stand_in(out, find(r, KIND_SERVER, token));
    else if (is_hex(token))
        add_stand_in(out, learn(r, KIND_HEX, token));
    else if (ip_parse(token, &ip) == OK && !ip.v6 && !ip_is_loopback(&ip) &&
             !span_eq(token, SPAN("0.0.0.0")))
        add_stand_in(out, learn(r, KIND_ADDRESS, token));
    else if (!add_name(r, out, token))
        buf_add(out, token);
}

static bool in_token(char c)
{
    return text_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* The longest phrase that begins here; NULL: none. */
static const struct stand_in *phrase_at(const struct redaction *r, struct span rest)
{
    const struct stand_in *best = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct stand_in *s = &r->items[i];
        if (s->kind == KIND_PHRASE && span_istarts(rest, s->original) &&
            (!best || s->original.n > best->original.n))
            best = s;
    }
    return best;
}

/* A token of a name, an address or a number; a local part before "@" is a user. */
static size_t add_word(struct redaction *r, struct buf *out, struct span rest)
{
    size_t n = 0;
    while (n < rest.n && in_token(rest.p[n]))
        n++;
    struct span token = span_head(rest, n);
    while (token.n && (token.p[token.n - 1] == '.' || token.p[token.n - 1] == '-'))
        token.n--; /* the end of a sentence is no part of a name */
    if (token.n == 0)
        token = span_head(rest, 1);
    if (n < rest.n && rest.p[n] == '@' && token.n == n)
        add_stand_in(out, learn(r, KIND_USER, token));
    else
        add_token(r, out, token);
    return token.n;
}

struct span redact(struct redaction *r, struct arena *arena, struct span text)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    char before = ' ';
    while (text.n) {
        const struct stand_in *phrase = in_token(before) ? NULL : phrase_at(r, text);
        size_t used = 1;
        if (phrase) {
            used = phrase->original.n;
            add_stand_in(&out, phrase);
        } else if (text_is_alnum(text.p[0])) {
            used = add_word(r, &out, text);
        } else {
            buf_add(&out, span_head(text, 1));
        }
        before = text.p[used - 1];
        text = span_skip(text, used);
    }
    struct span redacted = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return redacted;
}
