#include "mail/address.h"

#include <idn2.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/text.h"

enum { LABEL_MAX = 63 }; /* RFC 1035 section 2.3.4 */

static bool is_utf8_byte(char c)
{
    return (unsigned char)c > 127;
}

/* RFC 5322 section 3.2.3 */
static bool is_atext(char c)
{
    return text_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Well-formed, and without the control characters U+0080 to U+009F: RFC 6531 lets them pass, but
 * terminals obey them, and no mailbox has them. */
static bool is_clean_utf8(struct span s)
{
    for (size_t i = 0; i + 1 < s.n; i++)
        if ((unsigned char)s.p[i] == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
            return false;
    return text_is_utf8(s);
}

/* Each function below returns how many bytes at the head of s are what its name says; 0: it is not
 * there. */

/* Dot-string = Atom *("." Atom) */
static size_t dot_string(struct span s, bool allow_utf8)
{
    size_t n = 0;
    while (n < s.n) {
        size_t start = n;
        while (n < s.n && (is_atext(s.p[n]) || (allow_utf8 && is_utf8_byte(s.p[n]))))
            n++;
        if (n == start)
            return 0;
        if (n == s.n || s.p[n] != '.')
            return n;
        n++;
    }
    return 0;
}

/* Quoted-string = DQUOTE *(%d32-33 / %d35-91 / %d93-126 / "\" %d32-126) DQUOTE */
static size_t quoted_string(struct span s, bool allow_utf8)
{
    for (size_t n = 1; n < s.n; n++) {
        if (s.p[n] == '"')
            return n + 1;
        if (s.p[n] == '\\') {
            n++;
            if (n == s.n || !text_is_printable(s.p[n]))
                return 0;
        } else if (!text_is_printable(s.p[n]) && !(allow_utf8 && is_utf8_byte(s.p[n]))) {
            return 0;
        }
    }
    return 0;
}

static size_t local_part(struct span s, bool allow_utf8)
{
    return s.n && s.p[0] == '"' ? quoted_string(s, allow_utf8) : dot_string(s, allow_utf8);
}

/* What may be a domain or literal: up to a delimiter of paths and routes. */
static size_t domain_text(struct span s)
{
    size_t n = 0;
    if (s.n && s.p[0] == '[') {
        n = span_find(s, ']');
        return n < s.n ? n + 1 : 0;
    }
    while (n < s.n && !strchr("<>,:@", s.p[n]))
        n++;
    return n;
}

static bool is_label(struct span s, bool allow_utf8)
{
    if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool utf8 = allow_utf8 && is_utf8_byte(c);
        /* No section allows the underscore, but real hosts have it in their names. */
        if (!text_is_alnum(c) && c != '-' && c != '_' && !utf8)
            return false;
    }
    /* The A-label of an IDN label may be shorter than its UTF-8; address_domain_key judges that. */
    return s.n <= LABEL_MAX || !text_is_ascii(s);
}

bool address_is_domain(struct span s, bool allow_utf8)
{
    if (s.n == 0 || s.n > ADDRESS_DOMAIN_MAX || (allow_utf8 && !is_clean_utf8(s)))
        return false;
    struct span label;
    while (span_cut(&s, '.', &label))
        if (!is_label(label, allow_utf8))
            return false;
    return true;
}

bool address_is_literal(struct span s)
{
    if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
        return false;
    struct span inner = span_make(s.p + 1, s.n - 2);
    bool tagged = span_istarts(inner, SPAN("IPv6:"));
    if (tagged)
        inner = span_skip(inner, 5);
    struct ip ip;
    return tagged == (span_find(inner, ':') < inner.n) && ip_parse(inner, &ip) == OK;
}

/* Reads "local@domain" at the head of s; behind it stands whatever stands there. */
static enum err mailbox(struct span s, bool allow_utf8, struct address *address)
{
    struct address a = {0};
    a.local = span_head(s, local_part(s, allow_utf8));
    struct span rest = span_skip(s, a.local.n);
    if (a.local.n == 0 || rest.n == 0 || rest.p[0] != '@')
        return ERR_SYNTAX;
    rest = span_skip(rest, 1);
    a.domain = span_head(rest, domain_text(rest));
    if (a.local.n > ADDRESS_LOCAL_MAX || a.domain.n > ADDRESS_DOMAIN_MAX)
        return ERR_LIMIT;
    if (!address_is_domain(a.domain, allow_utf8) && !address_is_literal(a.domain))
        return ERR_SYNTAX;
    a.text = span_head(s, a.local.n + 1 + a.domain.n);
    a.utf8 = !text_is_ascii(a.text);
    if (a.utf8 && !is_clean_utf8(a.text))
        return ERR_SYNTAX;
    *address = a;
    return OK;
}

/* A-d-l = At-domain *( "," At-domain ) ":"; returns its length, SIZE_MAX where it is malformed. */
static size_t source_route(struct span s, bool allow_utf8)
{
    size_t n = 0;
    if (s.n == 0 || s.p[0] != '@')
        return 0;
    for (;;) {
        struct span rest = span_skip(s, n);
        if (rest.n == 0 || rest.p[0] != '@')
            return SIZE_MAX;
        rest = span_skip(rest, 1);
        struct span domain = span_head(rest, domain_text(rest));
        n += 1 + domain.n;
        if (!address_is_domain(domain, allow_utf8) || n == s.n)
            return SIZE_MAX;
        char delimiter = s.p[n++];
        if (delimiter == ':')
            return n;
        if (delimiter != ',')
            return SIZE_MAX;
    }
}

enum err address_parse_path(struct span s, bool allow_utf8, struct address *address, size_t *used)
{
    const struct span postmaster = SPAN("Postmaster");
    if (s.n < 2 || s.p[0] != '<')
        return ERR_SYNTAX;
    struct address a = {0};
    struct span rest = span_skip(s, 1);
    struct span behind = span_skip(rest, postmaster.n);
    if (rest.p[0] == '>') {
        a.text = a.local = a.domain = span_head(rest, 0);
    } else if (span_istarts(rest, postmaster) && behind.n && behind.p[0] == '>') {
        a.text = a.local = span_head(rest, postmaster.n);
        a.domain = span_head(behind, 0);
        rest = behind;
    } else {
        size_t route = source_route(rest, allow_utf8);
        if (route == SIZE_MAX)
            return ERR_SYNTAX;
        rest = span_skip(rest, route);
        enum err err = mailbox(rest, allow_utf8, &a);
        if (err != OK)
            return err;
        rest = span_skip(rest, a.text.n);
    }
    if (rest.n == 0 || rest.p[0] != '>')
        return ERR_SYNTAX;
    size_t length = s.n - rest.n + 1;
    if (length > ADDRESS_PATH_MAX)
        return ERR_LIMIT;
    *address = a;
    *used = length;
    return OK;
}

enum err address_parse(struct span s, bool allow_utf8, struct address *address)
{
    struct address a;
    enum err err = mailbox(s, allow_utf8, &a);
    if (err != OK)
        return err;
    if (a.text.n != s.n)
        return ERR_SYNTAX;
    if (s.n + 2 > ADDRESS_PATH_MAX)
        return ERR_LIMIT;
    *address = a;
    return OK;
}

/* The A-labels of an internationalized domain, by RFC 5891 with the mapping of UTS 46. */
static enum err to_ascii(struct arena *arena, struct span domain, struct span *key)
{
    if (!address_is_domain(domain, true))
        return ERR_SYNTAX;
    uint8_t *found = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)arena_text(arena, domain), &found,
                            IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (rc != IDN2_OK)
        return ERR_SYNTAX;
    struct span ascii = arena_copy(arena, span_of((const char *)found));
    idn2_free(found);
    /* Mapping may have made something new of it: full stops, or nothing at all. */
    if (!address_is_domain(ascii, false))
        return ERR_SYNTAX;
    *key = ascii;
    return OK;
}

enum err address_domain_key(struct arena *arena, struct span domain, struct span *key)
{
    if (address_is_literal(domain)) {
        *key = arena_copy(arena, domain);
        return OK;
    }
    if (domain.n && domain.p[domain.n - 1] == '.')
        domain.n--;
    struct span name = domain;
    if (!text_is_ascii(domain)) {
        enum err err = to_ascii(arena, domain, &name);
        if (err != OK)
            return err;
    } else if (!address_is_domain(domain, false)) {
        return ERR_SYNTAX;
    }
    char *text = arena_text(arena, name);
    text_lower_all(text, name.n);
    *key = span_make(text, name.n);
    return OK;
}
