#include "exchange/certificates.h"

#include <string.h>

#include "base/num.h"
#include "cert/bundle.h"
#include "exchange/property.h"
#include "exchange/serialized.h"

/* What ConvertTo-Json prints of an enumeration is its number; those that were seen. */
static struct span word_of_number(struct span text, const char *const *words, size_t count)
{
    uint64_t number = 0;
    if (num_parse(text, count - 1, &number) != OK || !words[number])
        return text;
    return span_of(words[number]);
}

static struct exchange_value enumeration(struct exchange_reader *r, const struct object_property *p,
                                         const char *const *words, size_t count)
{
    struct exchange_value value = property_value(r, p);
    if (value.printed)
        value.text = word_of_number(value.text, words, count);
    return value;
}

static void set_thumbprint(struct exchange_reader *r, struct exchange_certificate *c,
                           struct exchange_value value)
{
    c->thumbprint = value;
    c->thumbprint.text = property_hex(&r->c->arena, value.text);
    c->thumbprint_whole = property_is_thumbprint(c->thumbprint.text);
}

/* The thumbprint that was asked for, where the print left it out; masked ones tell nothing. */
static void thumbprint_of_command(struct exchange_reader *r, struct exchange_certificate *c)
{
    if (c->thumbprint.printed || r->command.kind != OBJECT_CERTIFICATE)
        return;
    struct span hex = property_hex(&r->c->arena, r->command.thumbprint);
    if (property_is_thumbprint(hex))
        set_thumbprint(r, c, reader_value(r, hex, r->command.line));
}

/* Identity is "Server\Thumbprint". */
static void read_identity(struct exchange_reader *r, const struct object *o,
                          struct exchange_certificate *c)
{
    struct exchange_value identity = property_word(r, object_find(o, "Identity"));
    size_t at = span_rfind(identity.text, '\\');
    if (!identity.printed || at == identity.text.n)
        return;
    c->server = identity;
    c->server.text = span_head(identity.text, at);
    if (!c->thumbprint.printed) {
        identity.text = span_skip(identity.text, at + 1);
        set_thumbprint(r, c, identity);
    }
}

static void read_server(struct exchange_reader *r, const struct object *o,
                        struct exchange_certificate *c)
{
    if (!c->server.printed || c->server.text.n == 0)
        c->server = property_word(r, object_find(o, "Server"));
    if (c->server.text.n == 0)
        c->server = property_word(r, object_find(o, "PSComputerName"));
    if (c->server.text.n == 0 && r->command.kind == OBJECT_CERTIFICATE && r->command.server.n > 0)
        c->server = reader_value(r, r->command.server, r->command.line);
}

static void read_services(struct exchange_reader *r, const struct object *o,
                          struct exchange_certificate *c)
{
    const struct object_property *p = object_find(o, "Services");
    if (!p)
        p = object_find(o, "ServicesStringForm");
    if (p && !p->is_list && property_is_letters(span_trim(p->text))) {
        c->services_known = property_services(span_trim(p->text), &c->services);
        return;
    }
    struct exchange_list list = property_list(r, p, true);
    if (!list.printed)
        return;
    struct buf joined = BUF_INIT(1000);
    for (size_t i = 0; i < list.count; i++) {
        buf_add_text(&joined, i ? "," : "");
        buf_add(&joined, list.items[i]);
    }
    c->services_known = property_services(buf_span(&joined), &c->services);
    if (list.truncated)
        c->services_known = CANNOT_TELL;
    buf_done(&joined);
}

static void read_domains(struct exchange_reader *r, const struct object *o,
                         struct exchange_certificate *c)
{
    const struct object_property *p = object_find(o, "CertificateDomains");
    c->domains = property_list(r, p ? p : object_find(o, "DnsNameList"), true);
}

static void read_words(struct exchange_reader *r, const struct object *o,
                       struct exchange_certificate *c)
{
    static const char *const types[] = {"None",     "ThirdParty",  "Enterprise",
                                        "Registry", "GroupPolicy", "Unknown"};
    static const char *const states[] = {NULL, "Valid"};
    c->subject = property_value(r, object_find(o, "Subject"));
    c->issuer = property_value(r, object_find(o, "Issuer"));
    c->friendly_name = property_value(r, object_find(o, "FriendlyName"));
    c->signature_algorithm = property_value(r, object_find(o, "SignatureAlgorithm"));
    c->key_provider = property_value(r, object_find(o, "KeyProvider"));
    if (!c->key_provider.printed)
        c->key_provider = property_value(r, object_find(o, "ProviderName"));
    c->root_ca_type = enumeration(r, object_find(o, "RootCAType"), types, COUNT_OF(types));
    c->status = enumeration(r, object_find(o, "Status"), states, COUNT_OF(states));
    c->serial = property_word(r, object_find(o, "SerialNumber"));
    c->serial.text = property_hex(&r->c->arena, c->serial.text);
    c->has_private_key = property_known(object_find(o, "HasPrivateKey"));
    c->self_signed = property_known(object_find(o, "IsSelfSigned"));
    c->key_exportable = property_known(object_find(o, "PrivateKeyExportable"));
    c->not_before = property_time(r, object_find(o, "NotBefore"));
    c->not_after = property_time(r, object_find(o, "NotAfter"));
}

static struct exchange_time exact_time(const struct exchange_place *place, int64_t ms,
                                       struct exchange_time printed)
{
    printed.printed = true;
    printed.ambiguous = false;
    printed.earliest_ms = printed.latest_ms = ms;
    if (printed.text.n == 0)
        printed.place = *place;
    return printed;
}

/* What the certificate itself says is better than any print of it. */
static void fill_from_parsed(struct exchange_reader *r, struct exchange_certificate *c,
                             const struct certificate *parsed)
{
    unsigned line = c->place.line;
    c->parsed = parsed;
    set_thumbprint(r, c,
                   reader_value(r, property_hex(&r->c->arena, span_of(parsed->thumbprint)), line));
    c->subject = reader_value(r, parsed->subject, line);
    c->issuer = reader_value(r, parsed->issuer, line);
    c->serial = reader_value(r, property_hex(&r->c->arena, parsed->serial), line);
    c->domains = (struct exchange_list){
        .printed = true, .items = parsed->names, .count = parsed->name_count, .place = c->place};
    c->self_signed = parsed->self_signed ? KNOWN_YES : KNOWN_NO;
    c->not_before = exact_time(&c->place, parsed->not_before_ms, c->not_before);
    c->not_after = exact_time(&c->place, parsed->not_after_ms, c->not_after);
    if (parsed->key_matches)
        c->has_private_key = KNOWN_YES;
}

/* RawData in CLIXML and JSON is base64; in Format-List it is "{48, 130, ...}" and tells nothing. */
static void read_raw_data(struct exchange_reader *r, const struct object *o,
                          struct exchange_certificate *c)
{
    const struct object_property *p = object_find(o, "RawData");
    if (!p || p->is_list || p->text.n < 100 || p->text.n > CERT_PEM_MAX)
        return;
    struct arena scratch = ARENA_INIT;
    struct span base64 = property_squeeze(&scratch, p->text);
    struct buf pem = BUF_INIT(CERT_PEM_MAX + 200), why = BUF_INIT(500);
    struct certificate *parsed = NULL;
    buf_add_text(&pem, "-----BEGIN CERTIFICATE-----\n");
    for (; base64.n > 0; base64 = span_skip(base64, 64)) {
        buf_add(&pem, span_head(base64, 64));
        buf_add_char(&pem, '\n');
    }
    buf_add_text(&pem, "-----END CERTIFICATE-----\n");
    if (certificate_parse_pem(buf_span(&pem), SPAN_NONE, &parsed, &why) == OK) {
        reader_keep(r, parsed);
        fill_from_parsed(r, c, parsed);
    }
    buf_done(&pem);
    buf_done(&why);
    arena_done(&scratch);
}

bool certificate_take(struct exchange_reader *r, const struct object *o)
{
    struct exchange_certificate c = {.place = reader_place(r, o->line)};
    read_words(r, o, &c);
    struct exchange_value thumbprint = property_word(r, object_find(o, "Thumbprint"));
    if (thumbprint.printed && thumbprint.text.n > 0)
        set_thumbprint(r, &c, thumbprint);
    read_identity(r, o, &c);
    read_server(r, o, &c);
    thumbprint_of_command(r, &c);
    read_domains(r, o, &c);
    read_services(r, o, &c);
    read_raw_data(r, o, &c);
    const struct object_property *beyond = object_find(o, "SerializationData");
    if (beyond && !beyond->is_list)
        serialized_read(r, beyond->text, beyond->line, &c);
    if (!c.thumbprint.printed && !c.subject.printed && !c.serial.printed && !c.domains.printed &&
        !c.not_after.printed)
        return false;
    *reader_add_certificate(r, o->line) = c;
    return true;
}

static void add_parsed(struct exchange_reader *r, struct certificate *parsed, unsigned line,
                       bool from_wire)
{
    reader_keep(r, parsed);
    struct exchange_certificate *c = reader_add_certificate(r, line);
    fill_from_parsed(r, c, parsed);
    c->from_wire = from_wire;
}

bool certificates_read(struct exchange_reader *r, struct span bytes, unsigned line, bool from_wire,
                       const struct certificate **first)
{
    struct arena scratch = ARENA_INIT;
    struct buf why = BUF_INIT(1000);
    struct bundle *bundle = NULL;
    struct certificate **list = NULL;
    size_t count = 0;
    bool read = bytes.n <= BUNDLE_MAX && bundle_read(bytes, SPAN_NONE, &bundle, &why) == OK &&
                bundle_certificates(bundle, NULL, 0, bundle->certificates, &scratch, &list, &count,
                                    &why) == OK;
    for (size_t i = 0; i < count && read; i++) {
        if (first && i == 0)
            *first = list[i];
        add_parsed(r, list[i], line, from_wire);
    }
    bundle_free(bundle);
    buf_done(&why);
    arena_done(&scratch);
    return read;
}
