#include "policy/import_exchange.h"

#include "policy/import_exchange_connector.h"

struct exchange_import {
    struct import *im;
    const struct exchange_case *c;
    const struct import_exchange_wishes *wishes;
    struct span server; /* the chosen one; empty where the dump names none */
};

/* ---- which server ---- */

/* "EX01" and "ex01.example.com" are one. */
static bool same_server(struct span a, struct span b)
{
    return a.n && b.n &&
           (span_ieq(a, b) || (span_istarts(a, b) && a.p[b.n] == '.') ||
            (span_istarts(b, a) && b.p[a.n] == '.'));
}

static enum err choose_server(struct exchange_import *e, struct buf *why, struct span *remedy)
{
    e->server = e->wishes->server;
    if (e->server.n)
        return OK;
    for (size_t i = 0; i < e->c->connector_count; i++) {
        struct span server = e->c->connectors[i].server.text;
        if (e->c->connectors[i].sends || server.n == 0 || same_server(server, e->server))
            continue;
        if (e->server.n) {
            buf_addf(why,
                     "the dump holds receive connectors of several servers, such as " SPAN_FMT
                     " and " SPAN_FMT,
                     SPAN_ARG(e->server), SPAN_ARG(server));
            *remedy = SPAN("say which one becomes this server: --server NAME");
            return ERR_REFUSED;
        }
        e->server = server;
    }
    return OK;
}

static bool is_of_server(const struct exchange_import *e, const struct exchange_connector *c)
{
    return c->server.text.n == 0 || e->server.n == 0 || same_server(c->server.text, e->server);
}

/* ---- the name of the host ---- */

static struct import_place place_of(const struct exchange_place *place)
{
    return (struct import_place){place->file, place->line};
}

static void set_hostname(struct exchange_import *e, struct span name, struct import_place place,
                         struct span what)
{
    import_set(e->im, import_path("hostname", SPAN_NONE, NULL), name);
    import_note(e->im, (struct import_note){.fate = IMPORT_TRANSLATED,
                                            .place = place,
                                            .what = what,
                                            .became = SPAN("hostname")});
}

static bool hostname_from_server(struct exchange_import *e)
{
    for (size_t i = 0; i < e->c->server_count; i++) {
        const struct exchange_server *s = &e->c->servers[i];
        bool ours = e->server.n == 0 || same_server(s->name.text, e->server) ||
                    same_server(s->fqdn.text, e->server);
        if (s->fqdn.text.n == 0 || !ours)
            continue;
        set_hostname(
            e, s->fqdn.text, place_of(&s->place),
            arena_printf(e->im->arena, "the server's Fqdn " SPAN_FMT, SPAN_ARG(s->fqdn.text)));
        return true;
    }
    return false;
}

/* The default connectors carry the server's own name; else that of any will do. */
static bool hostname_from_connector(struct exchange_import *e)
{
    const struct exchange_connector *best = NULL;
    for (size_t i = 0; i < e->c->connector_count; i++) {
        const struct exchange_connector *c = &e->c->connectors[i];
        bool fits =
            !c->sends && is_of_server(e, c) && span_find(c->fqdn.text, '.') < c->fqdn.text.n;
        bool own = fits && same_server(c->fqdn.text, e->server);
        if (fits && (!best || (own && !same_server(best->fqdn.text, e->server))))
            best = c;
    }
    if (best)
        set_hostname(e, best->fqdn.text, place_of(&best->place),
                     arena_printf(e->im->arena, "Fqdn " SPAN_FMT " of \"" SPAN_FMT "\"",
                                  SPAN_ARG(best->fqdn.text), SPAN_ARG(best->name.text)));
    return best != NULL;
}

static enum err choose_hostname(struct exchange_import *e, struct buf *why, struct span *remedy)
{
    if (e->wishes->hostname.n) {
        import_set(e->im, import_path("hostname", SPAN_NONE, NULL), e->wishes->hostname);
        return OK;
    }
    if (hostname_from_server(e) || hostname_from_connector(e))
        return OK;
    buf_add_text(why, "the dump does not tell the full name of the server");
    *remedy = SPAN("say it: --hostname mail.example.com, or add Get-ExchangeServer | FL Name,Fqdn");
    return ERR_REFUSED;
}

/* ---- accepted domains ---- */

static void import_domain(struct exchange_import *e, const struct exchange_domain *d)
{
    struct import_note note = {.place = place_of(&d->place)};
    bool relay = span_ieq(d->type.text, SPAN("InternalRelay")) ||
                 span_ieq(d->type.text, SPAN("ExternalRelay"));
    note.what = arena_printf(e->im->arena, "accepted domain " SPAN_FMT " " SPAN_FMT,
                             SPAN_ARG(d->name.text), SPAN_ARG(d->type.text));
    if (span_eq(d->name.text, SPAN("*"))) {
        note.fate = IMPORT_LEFT_OUT;
        note.why = SPAN("to accept every domain is to be an open relay");
    } else if (!import_accept(e->im, d->name.text, relay)) {
        note.fate = IMPORT_LEFT_OUT;
        note.why = SPAN("the domain is listed before");
    } else {
        note.became = SPAN("accepted-domains");
        note.fate = d->type.text.n ? IMPORT_TRANSLATED : IMPORT_APPROXIMATED;
        note.why = d->type.text.n ? SPAN_NONE : SPAN("its type is not in the print: authoritative");
    }
    import_note(e->im, note);
}

/* Exchange puts mail for its own domains into mailboxes, and the print does not say where these
 * will be. */
static void route_mailboxes(struct exchange_import *e)
{
    struct span *own = ARENA_ARRAY(e->im->arena, struct span, e->im->domain_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < e->im->domain_count; i++)
        if (!e->im->domains[i].relay)
            own[count++] = e->im->domains[i].pattern;
    if (count == 0)
        return;
    struct import_note note = {.what = SPAN("mailboxes of the authoritative domains")};
    if (e->wishes->mailboxes.n) {
        struct span name = import_name(e->im, "send-connectors", SPAN("mailboxes"));
        struct import_path path = import_path("send-connectors", name, NULL);
        import_set_list(e->im, import_path_below(path, "address-spaces"), own, count);
        import_set_list(e->im, import_path_below(path, "smart-hosts"), &e->wishes->mailboxes, 1);
        note.fate = IMPORT_TRANSLATED;
        note.became = import_path_text(e->im->arena, path);
    } else {
        note.fate = IMPORT_LEFT_OUT;
        note.why = SPAN("this server has no mailboxes: say who takes this mail by --mailboxes "
                        "HOST:PORT (such as the Exchange server), or add a send connector");
    }
    import_note(e->im, note);
}

/* ---- connectors ---- */

static void import_connector(struct exchange_import *e, const struct exchange_connector *c)
{
    struct connector_import *ci = ARENA_NEW(e->im->arena, struct connector_import);
    *ci = (struct connector_import){.im = e->im, .exchange = e->c, .c = c, .server = e->server};
    ci->section = c->sends ? "send-connectors" : "receive-connectors";
    ci->keys = c->sends ? &schema_send_connector : &schema_receive_connector;
    struct span why = c->sends             ? send_left_out(ci)
                      : is_of_server(e, c) ? receive_left_out(ci)
                                           : SPAN("it is another server's");
    struct import_note note = {.fate = why.n ? IMPORT_LEFT_OUT : IMPORT_TRANSLATED,
                               .place = place_of(&c->place),
                               .what = arena_printf(e->im->arena, "%s connector \"" SPAN_FMT "\"",
                                                    c->sends ? "send" : "receive",
                                                    SPAN_ARG(c->name.text)),
                               .why = why};
    if (why.n == 0) {
        ci->name = import_name(e->im, ci->section, c->name.text);
        note.became = import_path_text(e->im->arena, import_path(ci->section, ci->name, NULL));
    }
    import_note(e->im, note);
    if (why.n)
        return;
    if (c->sends)
        import_send_connector(ci);
    else
        import_receive_connector(ci);
}

static void import_connectors(struct exchange_import *e, bool sends)
{
    size_t seen = 0;
    for (size_t i = 0; i < e->c->connector_count; i++) {
        const struct exchange_connector *c = &e->c->connectors[i];
        if (c->sends != sends)
            continue;
        if (seen++ < IMPORT_CONNECTORS_MAX)
            import_connector(e, c);
    }
    if (seen > IMPORT_CONNECTORS_MAX)
        import_note(e->im, (struct import_note){
                               .fate = IMPORT_LEFT_OUT,
                               .what = arena_printf(e->im->arena, "%zu further connectors",
                                                    seen - IMPORT_CONNECTORS_MAX),
                               .why = SPAN("a dump of one server does not hold so many"),
                           });
}

/* ---- certificates ---- */

/* A dump holds no keys, so how to carry each over is all that can be said. */
static void import_certificate(struct exchange_import *e, const struct exchange_certificate *x)
{
    if (x->from_wire || !(x->services & EXCHANGE_SMTP))
        return;
    struct span name = x->thumbprint_whole ? x->thumbprint.text : SPAN("THUMBPRINT");
    const char *how =
        x->key_exportable == KNOWN_NO || x->has_private_key == KNOWN_NO
            ? "its key cannot be exported, so get a new one: sealpost cert request"
            : "a dump holds no keys. On the server: Export-ExchangeCertificate "
              "-Thumbprint " SPAN_FMT
              " -BinaryEncoded -Password (Get-Credential).Password, its FileData into a .pfx file; "
              "then here: sealpost cert import FILE.pfx --services smtp";
    import_note(
        e->im, (struct import_note){
                   .fate = IMPORT_LEFT_OUT,
                   .place = place_of(&x->place),
                   .what = arena_printf(e->im->arena, "certificate " SPAN_FMT " with services SMTP",
                                        SPAN_ARG(name)),
                   .why = arena_printf(e->im->arena, how, SPAN_ARG(name)),
               });
}

enum err import_exchange(struct import *im, const struct exchange_case *c,
                         const struct import_exchange_wishes *wishes, struct buf *why,
                         struct span *remedy)
{
    struct exchange_import e = {.im = im, .c = c, .wishes = wishes};
    if (c->connector_count == 0 && c->domain_count == 0) {
        buf_add_text(why, "no receive connector, send connector or accepted domain is in it");
        *remedy = SPAN("print them with Get-ReceiveConnector | FL *, Get-SendConnector | FL * and "
                       "Get-AcceptedDomain | FL *, or use sealpost diagnose --collector");
        return ERR_REFUSED;
    }
    enum err err = choose_server(&e, why, remedy);
    if (err == OK)
        err = choose_hostname(&e, why, remedy);
    if (err != OK)
        return err;
    for (size_t i = 0; i < c->domain_count; i++)
        import_domain(&e, &c->domains[i]);
    import_connectors(&e, false);
    import_connectors(&e, true);
    route_mailboxes(&e);
    for (size_t i = 0; i < c->certificate_count; i++)
        import_certificate(&e, &c->certificates[i]);
    return OK;
}
