#include "cli/certificates_offline.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "cert/chain.h"
#include "cert/select.h"
#include "cli/answer.h"
#include "cli/problems.h"
#include "conf/document.h"

enum { CERTIFICATES_MAX = 1000 };

struct folder {
    struct certificate *items[CERTIFICATES_MAX];
    struct span paths[CERTIFICATES_MAX];
    size_t count;
    json_t *faults;
};

static json_t *text_value(struct span s)
{
    json_t *value = json_stringn(s.p ? s.p : "", s.n);
    return value ? value : json_string("(not UTF-8)");
}

static void add_fault(struct folder *f, struct span path, struct span text)
{
    json_array_append_new(
        f->faults, json_pack("{s:o, s:o}", "file", text_value(path), "text", text_value(text)));
}

static void read_certificate(struct command *c, struct folder *f, struct span path)
{
    struct buf pem = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(1024);
    if (command_read_file(c, path, CERT_PEM_MAX, &pem) != OK) {
        add_fault(f, path, SPAN("it cannot be read"));
    } else if (certificate_parse_pem(buf_span(&pem), SPAN_NONE, &f->items[f->count], &why) != OK) {
        add_fault(f, path, buf_span(&why));
    } else {
        f->items[f->count]->services = SERVICE_SMTP; /* as the daemon's store has it */
        f->paths[f->count++] = path;
    }
    if (pem.n)
        explicit_bzero(pem.p, pem.n); /* it may hold a private key */
    buf_done(&pem);
    buf_done(&why);
}

static int is_pem(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && span_iends(span_of(entry->d_name), SPAN(".pem"));
}

static int read_folder(struct command *c, struct folder *f)
{
    struct span folder = arena_printf(&c->arena, SPAN_FMT "/certificates", SPAN_ARG(c->data));
    struct dirent **entries;
    int n = scandir(folder.p, &entries, is_pem, alphasort);
    if (n < 0)
        return command_refusef(c, "name the daemon's data folder: --data DIR",
                               "%s cannot be read: %s", folder.p, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (f->count < CERTIFICATES_MAX)
            read_certificate(
                c, f,
                arena_printf(&c->arena, SPAN_FMT "/%s", SPAN_ARG(folder), entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return CLI_DONE;
}

static const char *status_of(const struct certificate *c, int64_t now_ms)
{
    if (!c->key_matches)
        return "unusable";
    if (now_ms >= c->not_after_ms)
        return "expired";
    return now_ms < c->not_before_ms ? "not-yet-valid" : "stored";
}

static json_t *time_value(int64_t ms)
{
    struct buf text = BUF_INIT(64);
    clock_add_iso(&text, ms);
    json_t *value = text_value(buf_span(&text));
    buf_done(&text);
    return value;
}

static json_t *certificate_value(const struct certificate *c, struct span path, int64_t now_ms)
{
    json_t *names = json_array(), *services = json_array();
    for (size_t i = 0; i < c->name_count; i++)
        json_array_append_new(names, text_value(c->names[i]));
    if (c->services & SERVICE_SMTP)
        json_array_append_new(services, json_string("smtp"));
    if (c->services & SERVICE_HTTP)
        json_array_append_new(services, json_string("http"));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:[]}",
                     "thumbprint", c->thumbprint, "names", names, "subject", text_value(c->subject),
                     "issuer", text_value(c->issuer), "serial", text_value(c->serial),
                     "self-signed", (int)c->self_signed, "key-type", text_value(c->key_type), "key",
                     !c->key          ? "missing"
                     : c->key_matches ? "present"
                                      : "mismatch",
                     "services", services, "not-before", time_value(c->not_before_ms), "expires",
                     time_value(c->not_after_ms), "status", status_of(c, now_ms), "file",
                     text_value(path), "used-by");
}

/* The same decision as the daemon's, with the same function. */
static void choose(struct command *c, const struct folder *f,
                   const struct receive_connector *connector, const struct candidate *candidates,
                   json_t *certificates)
{
    struct selection_request request = {connector->fqdn, SERVICE_SMTP, c->now_ms, candidates,
                                        f->count};
    if (!connector->enabled || connector->tls == RECEIVE_TLS_OFF)
        return;
    struct selection selection = certificate_select(&c->arena, &request);
    for (size_t i = 0; i < f->count; i++) {
        if (selection.chosen != f->items[i])
            continue;
        json_t *value = json_array_get(certificates, i);
        json_t *user =
            json_pack("{s:o, s:o, s:b}", "connector", text_value(connector->name), "fqdn",
                      text_value(connector->fqdn), "fallback", (int)!selection.name_covered);
        json_array_append_new(json_object_get(value, "used-by"), user);
        if (span_eq(answer_text(value, "status"), SPAN("stored")))
            json_object_set_new(value, "status", json_string("active"));
    }
}

static void choose_all(struct command *c, const struct folder *f, const struct document *d,
                       json_t *certificates)
{
    struct candidate *candidates =
        ARENA_ARRAY(&c->arena, struct candidate, f->count ? f->count : 1);
    for (size_t i = 0; i < f->count; i++)
        candidates[i] = (struct candidate){f->items[i], certificate_chain_state(f->items[i], NULL)};
    for (size_t i = 0; i < d->receive_connector_count; i++)
        choose(c, f, &d->receive_connectors[i], candidates, certificates);
}

/* Reads the document of --config; CLI_DONE with NULL where there is none. */
static int read_document(struct command *c, struct document **document)
{
    struct span file = options_text(&c->options, "config");
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    int code = CLI_DONE;
    *document = NULL;
    if (options_has(&c->options, "config")) {
        if (command_read_file(c, file, DOCUMENT_BYTES_MAX, &yaml) != OK)
            code = CLI_REFUSED;
        else if (document_parse(buf_span(&yaml), &problems, document) != OK)
            code = command_refusef(c, "sealpost check names them", SPAN_FMT " has %zu errors",
                                   SPAN_ARG(file), problems.errors);
    }
    problems_done(&problems);
    buf_done(&yaml);
    return code;
}

int certificates_read_offline(struct command *c, json_t **answer)
{
    struct folder f = {.faults = json_array()};
    struct document *document;
    json_t *certificates = json_array();
    int code = read_document(c, &document);
    if (code == CLI_DONE)
        code = read_folder(c, &f);
    for (size_t i = 0; i < f.count; i++)
        json_array_append_new(certificates, certificate_value(f.items[i], f.paths[i], c->now_ms));
    if (code == CLI_DONE && document)
        choose_all(c, &f, document, certificates);
    for (size_t i = 0; i < f.count; i++)
        certificate_free(f.items[i]);
    if (document)
        document_free(document);
    if (code == CLI_DONE)
        *answer = json_pack("{s:O, s:O, s:b}", "certificates", certificates, "faults", f.faults,
                            "offline", 1);
    json_decref(certificates);
    json_decref(f.faults);
    return code;
}
