/* Get-ExchangeCertificate: certificates and pending requests with Exchange's properties. */
#include "base/text.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/shell_objects.h"
#include "cli/shell_parts.h"

enum { THUMBPRINT_LEAST = 4 }; /* digits that name a certificate, as everywhere */

/* ---- objects ---- */

json_t *objects_get(struct shell *s, struct buf *target)
{
    json_t *answer = NULL;
    int code = client_get(s->c, target, &answer);
    if (code == CLI_DONE)
        return answer;
    json_decref(answer);
    shell_failed_with(s, code);
    return NULL;
}

json_t *objects_get_path(struct shell *s, const char *path)
{
    struct buf target;
    client_target(&target, path);
    return objects_get(s, &target);
}

void objects_set_text(struct shell *s, struct shell_value *object, const char *name,
                      struct span text)
{
    shell_set(s->arena, object, name, text.n ? shell_text(s->arena, text) : shell_null());
}

void objects_set_bool(struct shell *s, struct shell_value *object, const char *name, bool flag)
{
    shell_set(s->arena, object, name, shell_bool(s->arena, flag));
}

void objects_set_number(struct shell *s, struct shell_value *object, const char *name,
                        double number)
{
    shell_set(s->arena, object, name, shell_number(s->arena, number));
}

void objects_set_time(struct shell *s, struct shell_value *object, const char *name, int64_t ms)
{
    shell_set(s->arena, object, name, ms ? shell_time(s->arena, ms) : shell_null());
}

struct shell_value *objects_list(struct shell *s, const json_t *array)
{
    struct shell_value *list = shell_list_value(s->arena);
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item) shell_list_add(
        s->arena, &list->list,
        shell_text(s->arena, span_make(json_string_value(item), json_string_length(item))));
    return list;
}

/* ---- services ---- */

static const struct {
    const char *here, *exchange;
} services[] = {{"smtp", "SMTP"}, {"http", "IIS"}, {"client", "Client"}, {"edge", "Edge"}};

const char *objects_service(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(services); i++)
        if (span_eq(name, span_of(services[i].here)))
            return services[i].exchange;
    return "None";
}

const char *objects_service_here(struct span exchange)
{
    for (size_t i = 0; i < COUNT_OF(services); i++)
        if (span_ieq(exchange, span_of(services[i].exchange)))
            return services[i].here;
    return NULL;
}

static void set_services(struct shell *s, struct shell_value *object, const json_t *array)
{
    struct buf text = BUF_INIT(256);
    char letters[] = "....."; /* IMAP, POP, UM, IIS, SMTP, as Exchange's table has them */
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *name = objects_service(span_of(json_string_value(item)));
        buf_addf(&text, "%s%s", i ? ", " : "", name);
        if (strcmp(name, "SMTP") == 0)
            letters[4] = 'S';
        else if (strcmp(name, "IIS") == 0)
            letters[3] = 'W';
    }
    objects_set_text(s, object, "Services", text.n ? buf_span(&text) : SPAN("None"));
    objects_set_text(s, object, "ServicesStringForm", span_of(letters));
    buf_done(&text);
}

/* ---- certificates ---- */

static struct span upper(struct shell *s, struct span text)
{
    char *p = arena_text(s->arena, text);
    for (size_t i = 0; i < text.n; i++)
        p[i] = text_upper(p[i]);
    return span_make(p, text.n);
}

/* Exchange's words for what Sealpost tells in more detail (SealpostStatus). */
static const char *status_of(const json_t *certificate)
{
    struct span status = answer_text(certificate, "status"),
                chain = answer_text(certificate, "chain");
    if (span_starts(status, SPAN("key-")))
        return "Invalid";
    if (span_eq(status, SPAN("expired")) || span_eq(status, SPAN("not-yet-valid")))
        return "DateInvalid";
    bool trusted = span_eq(chain, SPAN("trusted")) || span_eq(chain, SPAN("private"));
    return trusted || answer_true(certificate, "self-signed") ? "Valid" : "Untrusted";
}

static const char *root_of(const json_t *certificate)
{
    struct span chain = answer_text(certificate, "chain");
    if (span_eq(chain, SPAN("trusted")))
        return "ThirdParty";
    if (span_eq(chain, SPAN("private")))
        return "Enterprise";
    return answer_true(certificate, "self-signed") ? "None" : "Unknown";
}

/* The number in "RSA 2048" or "ECDSA P-256". */
static double key_bits(struct span type)
{
    double bits = 0;
    for (size_t i = 0; i < type.n; i++)
        if (text_is_digit(type.p[i]))
            bits = bits * 10 + (type.p[i] - '0');
    return bits;
}

static struct shell_value *used_by(struct shell *s, const json_t *certificate)
{
    struct shell_value *list = shell_list_value(s->arena);
    size_t i;
    const json_t *user;
    json_array_foreach(answer_of(certificate, "used-by"), i, user)
        shell_list_add(s->arena, &list->list, shell_text(s->arena, answer_text(user, "connector")));
    return list;
}

struct shell_value *objects_certificate(struct shell *s, const json_t *c)
{
    struct shell_value *o = shell_object(s->arena, "ExchangeCertificate");
    struct span thumbprint = upper(s, answer_text(c, "thumbprint"));
    struct span type = answer_text(c, "key-type");
    objects_set_text(s, o, "Thumbprint", thumbprint);
    set_services(s, o, answer_of(c, "services"));
    objects_set_text(s, o, "Subject", answer_text(c, "subject"));
    objects_set_text(s, o, "Issuer", answer_text(c, "issuer"));
    shell_set(s->arena, o, "CertificateDomains", objects_list(s, answer_of(c, "names")));
    shell_set(s->arena, o, "DnsNameList", objects_list(s, answer_of(c, "names")));
    objects_set_text(s, o, "FriendlyName", answer_text(c, "friendly-name"));
    objects_set_bool(s, o, "HasPrivateKey", span_eq(answer_text(c, "key"), SPAN("present")));
    objects_set_bool(s, o, "PrivateKeyExportable", span_eq(answer_text(c, "key"), SPAN("present")));
    objects_set_bool(s, o, "IsSelfSigned", answer_true(c, "self-signed"));
    objects_set_time(s, o, "NotBefore", answer_time(c, "not-before"));
    objects_set_time(s, o, "NotAfter", answer_time(c, "expires"));
    objects_set_number(s, o, "PublicKeySize", key_bits(type));
    objects_set_text(s, o, "KeyAlgorithm", type);
    objects_set_text(s, o, "RootCAType", span_of(root_of(c)));
    objects_set_text(s, o, "SerialNumber", upper(s, answer_text(c, "serial")));
    objects_set_text(s, o, "Status", span_of(status_of(c)));
    objects_set_text(s, o, "SealpostStatus", answer_text(c, "status"));
    shell_set(s->arena, o, "UsedBy", used_by(s, c));
    objects_set_text(s, o, "Sha256", upper(s, answer_text(c, "sha256")));
    objects_set_text(s, o, "KeyHash", upper(s, answer_text(c, "spki")));
    objects_set_text(s, o, "Source", answer_text(c, "source"));
    struct span server = shell_server_name(s);
    objects_set_text(
        s, o, "Identity",
        arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(server), SPAN_ARG(thumbprint)));
    return o;
}

/* A request stands among the certificates, as in Exchange; its id is in the thumbprint's place. */
static struct shell_value *request_object(struct shell *s, const json_t *r)
{
    struct shell_value *o = shell_object(s->arena, "ExchangeCertificate");
    struct span id = upper(s, answer_text(r, "id"));
    const json_t *first = json_array_get(answer_of(r, "names"), 0);
    struct span subject = arena_printf(s->arena, "CN=%s", first ? json_string_value(first) : "");
    objects_set_text(s, o, "Thumbprint", id);
    objects_set_text(s, o, "Services", SPAN("None"));
    objects_set_text(s, o, "ServicesStringForm", SPAN("....."));
    objects_set_text(s, o, "Subject", subject);
    objects_set_text(s, o, "Issuer", subject);
    shell_set(s->arena, o, "CertificateDomains", objects_list(s, answer_of(r, "names")));
    objects_set_text(s, o, "FriendlyName", answer_text(r, "friendly-name"));
    objects_set_bool(s, o, "HasPrivateKey", true);
    objects_set_bool(s, o, "IsSelfSigned", true);
    objects_set_time(s, o, "NotBefore", answer_time(r, "made"));
    shell_set(s->arena, o, "NotAfter", shell_null());
    objects_set_number(s, o, "PublicKeySize", key_bits(answer_text(r, "key-type")));
    objects_set_text(s, o, "RootCAType", SPAN("Unknown"));
    shell_set(s->arena, o, "SerialNumber", shell_null());
    objects_set_text(s, o, "Status", SPAN("PendingRequest"));
    objects_set_text(s, o, "Identity",
                     arena_printf(s->arena, SPAN_FMT "\\" SPAN_FMT, SPAN_ARG(shell_server_name(s)),
                                  SPAN_ARG(id)));
    return o;
}

/* ---- Get-ExchangeCertificate ---- */

/* "*.example.com" covers one label, as in the certificate's choice. */
static bool covers(const json_t *certificate, struct span name)
{
    size_t i;
    const json_t *item;
    json_array_foreach(answer_of(certificate, "names"), i, item)
    {
        struct span own = span_of(json_string_value(item));
        struct span parent = span_skip(name, span_find(name, '.'));
        if (span_ieq(own, name) ||
            (span_starts(own, SPAN("*.")) && span_ieq(span_skip(own, 1), parent)))
            return true;
    }
    return false;
}

/* Server\Thumbprint; blanks as they come from other tools. */
static bool wanted_thumbprint(struct cmdlet_call *call, struct span *thumbprint)
{
    struct span text;
    struct buf plain = BUF_INIT(BUF_UNLIMITED);
    if (!cmdlet_local(call->s, cmdlet_identity(call, "Thumbprint"), &text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ')
            buf_add_char(&plain, text.p[i]);
    *thumbprint = arena_copy(call->s->arena, buf_span(&plain));
    buf_done(&plain);
    if (thumbprint->n == 0 && (cmdlet_get(call, "Thumbprint") || cmdlet_get(call, "Identity")))
        return shell_fail(call->s, NULL, "the thumbprint is empty");
    if (thumbprint->n && thumbprint->n < THUMBPRINT_LEAST)
        return shell_fail(call->s, NULL, "of a thumbprint the first %d digits are needed at least",
                          THUMBPRINT_LEAST);
    return true;
}

static bool put_matches(struct cmdlet_call *call, const json_t *answer, struct span thumbprint)
{
    struct span name = cmdlet_text(call, "DomainName");
    size_t i, before = call->out->count;
    const json_t *item;
    json_array_foreach(answer_of(answer, "certificates"), i, item)
    {
        if ((thumbprint.n == 0 || span_istarts(answer_text(item, "thumbprint"), thumbprint)) &&
            (name.n == 0 || covers(item, name)))
            cmdlet_put(call, objects_certificate(call->s, item));
    }
    json_array_foreach(answer_of(answer, "requests"), i, item)
    {
        if ((thumbprint.n == 0 || span_istarts(answer_text(item, "id"), thumbprint)) &&
            (name.n == 0 || covers(item, name)))
            cmdlet_put(call, request_object(call->s, item));
    }
    if (thumbprint.n && call->out->count == before)
        return shell_fail(call->s, "Get-ExchangeCertificate lists them",
                          "the certificate with thumbprint " SPAN_FMT " was not found",
                          SPAN_ARG(thumbprint));
    return true;
}

bool cmdlet_get_certificate(struct cmdlet_call *call)
{
    struct shell *s = call->s;
    struct span thumbprint = SPAN_NONE;
    if (shell_server_name(s).n == 0 || !wanted_thumbprint(call, &thumbprint))
        return false;
    json_t *answer = objects_get_path(s, "/v1/certificates");
    bool good = answer && put_matches(call, answer, thumbprint);
    json_decref(answer);
    return good;
}
