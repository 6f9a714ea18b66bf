#include "exchange/serialized.h"

#include "base/encode.h"
#include "exchange/property.h"

enum {
    SERIALIZED_MAX = 256 * 1024, /* bytes; a certificate's has 3 KB */
    /* CryptoAPI's numbers of certificate properties (wincrypt.h). */
    PROPERTY_KEY_PROVIDER = 2,
    PROPERTY_FRIENDLY_NAME = 11,
};

static uint32_t number_at(struct span s, size_t at)
{
    uint32_t value = 0;
    for (size_t i = 4; i > 0 && at + 4 <= s.n; i--)
        value = value << 8 | (unsigned char)s.p[at + i - 1];
    return value;
}

/* Where the value of an enumeration stands: behind its type's name and the only member, "value__",
 * an Int32, and the number of its library. 0: nowhere. */
static size_t enumeration(struct span s, const char *type)
{
    struct buf head = BUF_INIT(200);
    buf_add_text(&head, type);
    buf_add(&head, SPAN("\x01\0\0\0\x07value__\0\x08"));
    size_t at = span_search(s, buf_span(&head)) + head.n + 4;
    buf_done(&head);
    return at + 4 <= s.n ? at : 0;
}

static struct span ascii_of_utf16(struct exchange_reader *r, struct span s)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        unsigned c = (unsigned char)s.p[i] | (unsigned)(unsigned char)s.p[i + 1] << 8;
        if (c >= 0x20 && (c < 0xd800 || c > 0xdfff))
            source_add_character(&out, c);
    }
    struct span text = arena_copy(&r->c->arena, buf_span(&out));
    buf_done(&out);
    return text;
}

/* CertData: the properties that Windows keeps beside the certificate, one after the other, each
 * with its number, 1, and its length. */
static void read_store_properties(struct exchange_reader *r, struct span s, unsigned line,
                                  struct exchange_certificate *c)
{
    size_t array = span_search(s, SPAN("\x0f\x03\0\0\0"));
    if (array + 10 > s.n)
        return;
    struct span data = span_head(span_skip(s, array + 10), number_at(s, array + 5));
    bool has_key = false;
    size_t at = 0;
    while (at + 12 <= data.n) {
        uint32_t property = number_at(data, at), n = number_at(data, at + 8);
        if (number_at(data, at + 4) != 1 || n > data.n - at - 12)
            return; /* not what is known: nothing is said of the key */
        has_key = has_key || property == PROPERTY_KEY_PROVIDER;
        if (property == PROPERTY_FRIENDLY_NAME && !c->friendly_name.printed)
            c->friendly_name =
                reader_value(r, ascii_of_utf16(r, span_make(data.p + at + 12, n)), line);
        at += 12 + n;
    }
    if (c->has_private_key == CANNOT_TELL && has_key)
        c->has_private_key = KNOWN_YES;
}

static void read_enumerations(struct exchange_reader *r, struct span s, unsigned line,
                              struct exchange_certificate *c)
{
    static const char *const roots[] = {"None",     "ThirdParty",  "Enterprise",
                                        "Registry", "GroupPolicy", "Unknown"};
    size_t services = enumeration(s, "SystemConfigurationTasks.AllowedServices");
    size_t root = enumeration(s, "SystemConfigurationTasks.CertificateAuthorityType");
    size_t status = enumeration(s, "SystemConfigurationTasks.CertificateStatus");
    if (services > 0 && c->services_known == CANNOT_TELL) {
        c->services = number_at(s, services);
        c->services_known = KNOWN_YES;
    }
    if (root > 0 && !c->root_ca_type.printed && number_at(s, root) < COUNT_OF(roots))
        c->root_ca_type = reader_value(r, span_of(roots[number_at(s, root)]), line);
    if (status > 0 && !c->status.printed && number_at(s, status) == 1)
        c->status = reader_value(r, SPAN("Valid"), line);
}

void serialized_read(struct exchange_reader *r, struct span base64, unsigned line,
                     struct exchange_certificate *c)
{
    struct buf bytes = BUF_INIT(SERIALIZED_MAX);
    struct span text = property_squeeze(&r->c->arena, base64);
    if (decode_base64(&bytes, text) == OK &&
        span_search(buf_span(&bytes), SPAN("ExchangeCertificate")) < bytes.n) {
        read_enumerations(r, buf_span(&bytes), line, c);
        read_store_properties(r, buf_span(&bytes), line, c);
    }
    buf_done(&bytes);
}
