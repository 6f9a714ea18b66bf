/* Where certificates come from. */
#include "conf/check.h"
#include "mail/address.h"

struct acme_check {
    const struct checking *check;
    const struct acme_conf *acme;
    const struct node *node; /* the map; NULL: nothing is written */
};

static void error_at(const struct acme_check *a, const char *key, struct span remedy,
                     const char *text)
{
    problem_error(a->check->problems, check_place(a->node, key), remedy, "%s", text);
}

/* RFC 8555 section 6.1: only https. */
static void check_directory(const struct acme_check *a)
{
    const struct acme_conf *acme = a->acme;
    struct span url = acme->directory;
    struct span rest = span_skip(url, sizeof("https://") - 1);
    bool blank = span_find(url, ' ') < url.n || span_find(url, '\t') < url.n;
    bool meant = acme->contact.n || acme->eab_key_id.n || acme->dns_hook.n || acme->trust_file.n;
    if (url.n == 0 && meant)
        problem_warning(a->check->problems, a->node,
                        SPAN("add directory: the URL that the authority names"),
                        "without directory nothing is fetched or renewed");
    if (url.n == 0)
        return;
    if (!span_istarts(url, SPAN("https://")) || rest.n == 0 || rest.p[0] == '/' || blank)
        error_at(a, "directory",
                 SPAN("write a URL like https://acme-v02.api.letsencrypt.org/directory"),
                 "the directory is not an https URL");
}

static void check_contact(const struct acme_check *a)
{
    struct span contact = a->acme->contact;
    struct address address;
    if (contact.n && (address_parse(contact, false, &address) != OK || address.domain.n == 0))
        error_at(a, "contact", SPAN("write an address like postmaster@example.com"),
                 "the contact is not a mail address");
}

/* Names that no public authority will ever sign (CA/Browser Forum, RFC 6762, RFC 8375). */
static bool is_internal(struct span name)
{
    static const char *const tails[] = {".local", ".internal", ".lan", ".home.arpa", ".localhost"};
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (span_iends(name, span_of(tails[i])))
            return true;
    return span_find(name, '.') == name.n;
}

static void check_names(const struct acme_check *a)
{
    const struct acme_conf *acme = a->acme;
    bool by_http = span_eq(acme->challenge, SPAN("http-01"));
    if (acme->name_count == 0 && acme->directory.n)
        error_at(a, "names", SPAN("add names: [mail.example.com]"),
                 "there is no name for the certificate, as no receive connector has TLS");
    for (size_t i = 0; i < acme->name_count; i++) {
        if (by_http && span_starts(acme->names[i], SPAN("*."))) {
            error_at(a, "names", SPAN("write challenge: dns-01 and a dns-hook"),
                     "a wildcard cannot be proved by http-01");
            return;
        }
        if (is_internal(acme->names[i]))
            problem_warning(a->check->problems, check_place(a->node, "names"),
                            SPAN("list the public names only; a self-signed certificate serves the "
                                 "internal one: sealpost cert new"),
                            "no public authority signs \"" SPAN_FMT "\"", SPAN_ARG(acme->names[i]));
    }
}

static void check_challenge(const struct acme_check *a)
{
    const struct acme_conf *acme = a->acme;
    bool by_dns = span_eq(acme->challenge, SPAN("dns-01"));
    if (by_dns && acme->dns_hook.n == 0)
        error_at(a, "challenge", SPAN("add dns-hook: /path/of/the/program"),
                 "dns-01 needs a dns-hook that makes the records");
    if (!by_dns && acme->dns_hook.n)
        problem_warning(a->check->problems, check_place(a->node, "dns-hook"),
                        SPAN("write challenge: dns-01, or remove it"),
                        "the hook is not called, as the challenge is http-01");
    if ((acme->eab_key_id.n == 0) != (acme->eab_key_file.n == 0))
        error_at(a, acme->eab_key_id.n ? "eab-key-id" : "eab-key-file",
                 SPAN("write both, as the authority gave them, or none"),
                 "an external account binding needs eab-key-id and eab-key-file");
}

static void check_http_bind(const struct acme_check *a)
{
    const struct document *d = a->check->d;
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        for (size_t j = 0; c->enabled && j < c->bind_count; j++)
            if (endpoint_eq(&c->bind[j], &a->acme->http_bind))
                problem_error(a->check->problems, check_place(a->node, "http-bind"),
                              SPAN("leave it away: authorities ask on port 80"),
                              "the receive connector \"" SPAN_FMT "\" listens there",
                              SPAN_ARG(c->name));
    }
}

static void check_watch(const struct checking *c, const struct node *node)
{
    const struct certificate_conf *conf = &c->d->certificates;
    for (size_t i = 0; i < conf->watch_count; i++)
        if (conf->directory.n && span_eq(conf->watch[i], conf->directory))
            problem_error(c->problems, check_place(node, "watch"),
                          SPAN("name it in one of them: watch imports, directory only reads"),
                          SPAN_FMT " is also the directory", SPAN_ARG(conf->watch[i]));
}

void check_certificates(const struct checking *c)
{
    const struct node *node = tree_get(c->root, SPAN("certificates"));
    if (!node || node->broken)
        return;
    check_watch(c, node);
    /* Without a directory all of it sleeps, and only what is wrong in itself is said. */
    struct acme_check a = {c, &c->d->certificates.acme, tree_get(node, SPAN("acme"))};
    if (!a.node || tree_is_empty(a.node))
        return;
    check_directory(&a);
    check_contact(&a);
    check_names(&a);
    check_challenge(&a);
    check_http_bind(&a);
}
