#include <idn2.h>
#include <openssl/objects.h>
#include <stdlib.h>

#include "base/text.h"
#include "cert/certificate_build.h"

enum { HOST_MAX = 253, LABEL_MAX = 63 }; /* RFC 1035 section 2.3.4 */

/* Letters, digits, hyphens; and underscores, which real certificates have and which harm nobody. */
static bool is_label(struct span label)
{
    if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!text_is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
            return false;
    return true;
}

static bool is_host(struct span name)
{
    struct span rest = name, label;
    if (name.n == 0 || name.n > HOST_MAX)
        return false;
    while (span_cut(&rest, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

/* "*." and at least two labels: OpenSSL, browsers and Exchange's peers accept no wildcard for a
 * whole top-level domain. */
static bool is_wildcard(struct span name)
{
    struct span parent = span_skip(name, 2);
    return span_starts(name, SPAN("*.")) && span_find(parent, '.') < parent.n && is_host(parent);
}

/* UTF-8 labels become A-labels (IDNA 2008, non-transitional). */
static enum err to_ascii(struct arena *arena, struct span name, struct span *ascii)
{
    if (!text_is_utf8(name) || memchr(name.p, '\0', name.n))
        return ERR_SYNTAX;
    char *out = NULL;
    if (idn2_to_ascii_8z(arena_text(arena, name), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
        IDN2_OK)
        return ERR_SYNTAX;
    *ascii = arena_copy(arena, span_of(out));
    idn2_free(out);
    return OK;
}

enum err host_name_normalise(struct arena *arena, struct span name, bool wildcard,
                             struct span *normal)
{
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > HOST_MAX)
        return ERR_SYNTAX;
    if (!text_is_ascii(name)) {
        enum err err = to_ascii(arena, name, &name);
        if (err != OK)
            return err;
    }
    if (!is_host(name) && !(wildcard && is_wildcard(name)))
        return ERR_SYNTAX;
    char *lower = arena_text(arena, name);
    text_lower_all(lower, name.n);
    *normal = span_make(lower, name.n);
    return OK;
}

/* The names that .NET (and so Exchange) uses where they differ from OpenSSL's. */
static const struct {
    int nid;
    const char *name;
} attribute_names[] = {
    {NID_stateOrProvinceName, "S"},
    {NID_pkcs9_emailAddress, "E"},
    {NID_streetAddress, "STREET"},
    {NID_title, "T"},
    {NID_givenName, "G"},
    {NID_initials, "I"},
    {NID_serialNumber, "SERIALNUMBER"},
    {NID_commonName, "CN"},
    {NID_countryName, "C"},
    {NID_localityName, "L"},
    {NID_organizationName, "O"},
    {NID_organizationalUnitName, "OU"},
    {NID_domainComponent, "DC"},
    {NID_surname, "SN"},
};

static void add_attribute_name(struct buf *out, const ASN1_OBJECT *object)
{
    int nid = OBJ_obj2nid(object);
    for (size_t i = 0; i < COUNT_OF(attribute_names); i++) {
        if (attribute_names[i].nid == nid) {
            buf_add_text(out, attribute_names[i].name);
            return;
        }
    }
    char oid[128] = "";
    OBJ_obj2txt(oid, sizeof(oid), object, 1);
    buf_addf(out, "OID.%s", oid);
}

static bool needs_quotes(struct span value)
{
    if (value.n == 0 || value.p[0] == ' ' || value.p[value.n - 1] == ' ')
        return true;
    for (size_t i = 0; i < value.n; i++)
        if (strchr(",+=\"\n<>#;", value.p[i])) /* also NUL */
            return true;
    return false;
}

/* Control characters cannot be printed anywhere, and only a forger would put them in. */
static void add_value(struct buf *out, struct span value)
{
    bool quoted = needs_quotes(value);
    if (quoted)
        buf_add_char(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '"')
            buf_add_char(out, '"');
        buf_add_char(out, (unsigned char)c < 32 || c == 127 ? '?' : c);
    }
    if (quoted)
        buf_add_char(out, '"');
}

static struct span entry_value(struct arena *arena, const X509_NAME_ENTRY *entry)
{
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (n < 0)
        return SPAN("?");
    struct span value = arena_copy(arena, span_make((char *)utf8, (size_t)n));
    OPENSSL_free(utf8);
    return value;
}

struct span x500_text(struct arena *arena, const X509_NAME *name)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    int last_set = -1;
    for (int i = X509_NAME_entry_count(name) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        if (out.n)
            buf_add_text(&out, X509_NAME_ENTRY_set(entry) == last_set ? " + " : ", ");
        last_set = X509_NAME_ENTRY_set(entry);
        add_attribute_name(&out, X509_NAME_ENTRY_get_object(entry));
        buf_add_char(&out, '=');
        add_value(&out, entry_value(arena, entry));
    }
    struct span text = arena_copy(arena, buf_span(&out));
    buf_done(&out);
    return text;
}

struct span x500_common_name(struct arena *arena, const X509_NAME *name)
{
    int last = -1;
    for (int i; (i = X509_NAME_get_index_by_NID(name, NID_commonName, last)) >= 0;)
        last = i;
    return last < 0 ? SPAN_NONE : entry_value(arena, X509_NAME_get_entry(name, last));
}
