#include "base/num.h"
#include "base/text.h"
#include "exchange/certificates.h"
#include "exchange/command.h"
#include "exchange/property.h"
#include "exchange/sessions.h"

enum { PROBE_LINES_MAX = 3000, PROBE_TYPED_BEFORE = 8, NAME_PARTS_MAX = 40 };

static struct span line_at(const struct exchange_reader *r, size_t at)
{
    return at < r->source.count ? r->source.lines[at].text : SPAN_NONE;
}

static bool holds(struct span s, const char *phrase)
{
    return span_search(s, span_of(phrase)) < s.n;
}

/* What OpenSSL says where the answer to its hello was "220 ...". */
static bool is_plain_error(struct span line)
{
    return holds(line, "unknown protocol") || holds(line, "wrong version number") ||
           holds(line, "packet length too long") || holds(line, "record layer failure");
}

static bool begins(const struct exchange_reader *r, size_t at)
{
    struct span line = span_trim(line_at(r, at));
    return span_starts(line, SPAN("CONNECTED(")) || span_starts(line, SPAN("Connecting to ")) ||
           span_eq(line, SPAN("Certificate chain")) ||
           (is_plain_error(line) && (holds(line, "error:") || holds(line, "SSL")));
}

/* The command that was typed: on one of the lines before. */
static struct span typed_before(const struct exchange_reader *r, size_t at)
{
    for (size_t i = 1; i <= PROBE_TYPED_BEFORE && i <= at; i++) {
        if (holds(line_at(r, at - i), "s_client"))
            return line_at(r, at - i);
    }
    return SPAN_NONE;
}

static struct span argument(struct span command, const char *name)
{
    size_t at = span_search(command, span_of(name));
    if (at == command.n)
        return SPAN_NONE;
    struct span rest = span_trim(span_skip(command, at + strlen(name)));
    return span_head(rest, span_find(rest, ' '));
}

static void read_typed(struct exchange_reader *r, struct exchange_session *s, struct span typed)
{
    struct span host = argument(typed, "-connect");
    if (host.n > 0)
        s->remote = reader_value(r, host, s->place.line);
}

/* "C = US, O = Example, CN = mail" and "/C=US/O=Example/CN=mail" as Exchange prints a name: the
 * most specific part first, "CN=mail, O=Example, C=US". */
static struct span x500_of(struct exchange_reader *r, struct span name)
{
    struct span parts[NAME_PARTS_MAX], rest = span_trim(name), part;
    size_t count = 0;
    bool slashes = span_starts(rest, SPAN("/"));
    if (slashes)
        rest = span_skip(rest, 1);
    while (count < NAME_PARTS_MAX && span_cut(&rest, slashes ? '/' : ',', &part))
        parts[count++] = span_trim(part);
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = count; i > 0; i--) {
        size_t equals = span_find(parts[i - 1], '=');
        struct span type = span_trim(span_head(parts[i - 1], equals));
        struct span value = span_trim(span_skip(parts[i - 1], equals + 1));
        type = span_eq(type, SPAN("ST")) ? SPAN("S") : type;
        type = span_eq(type, SPAN("emailAddress")) ? SPAN("E") : type;
        buf_addf(&text, "%s" SPAN_FMT "=" SPAN_FMT, i < count ? ", " : "", SPAN_ARG(type),
                 SPAN_ARG(value));
    }
    struct span x500 = arena_copy(&r->c->arena, buf_span(&text));
    buf_done(&text);
    return x500;
}

/* "Verify return code: 21 (unable to verify the first certificate)" */
static void read_verdict(struct exchange_reader *r, struct exchange_session *s, struct span line,
                         unsigned number)
{
    struct span rest = span_trim(span_skip(line, span_find(line, ':') + 1));
    uint64_t code = 0;
    if (num_parse(span_head(rest, span_find(rest, ' ')), 1000, &code) != OK)
        return;
    s->presented_trusted = code == 0 ? KNOWN_YES : KNOWN_NO;
    struct span inside = span_skip(rest, span_find(rest, '(') + 1);
    if (code != 0)
        s->tls_error = reader_value(r, span_head(inside, span_rfind(inside, ')')), number);
}

struct probe {
    struct buf pem; /* all certificates that were printed, in their order */
    bool in_pem, has_certificate, plain;
    unsigned pem_line;
};

static void take_pem(struct probe *probe, struct span line, unsigned number)
{
    if (span_starts(line, SPAN("-----BEGIN CERTIFICATE"))) {
        probe->in_pem = true;
        probe->pem_line = probe->pem_line ? probe->pem_line : number;
    }
    if (probe->in_pem) {
        buf_add(&probe->pem, line);
        buf_add_char(&probe->pem, '\n');
    }
    if (span_starts(line, SPAN("-----END CERTIFICATE"))) {
        probe->in_pem = false;
        probe->has_certificate = true;
    }
}

static void take_line(struct exchange_reader *r, struct exchange_session *s, struct probe *probe,
                      size_t at)
{
    struct span line = span_trim(line_at(r, at));
    unsigned number = r->source.lines[at].number;
    take_pem(probe, line, number);
    if (probe->in_pem)
        return;
    if (is_plain_error(line))
        probe->plain = true;
    else if (holds(line, "find STARTTLS in server response"))
        s->starttls = KNOWN_NO;
    else if (span_starts(line, SPAN("subject=")))
        s->certificate_subject = reader_value(r, x500_of(r, span_skip(line, 8)), number);
    else if (span_starts(line, SPAN("issuer=")))
        s->certificate_issuer = reader_value(r, x500_of(r, span_skip(line, 7)), number);
    else if (span_starts(line, SPAN("Verify return code:")) ||
             span_starts(line, SPAN("Verification error")))
        read_verdict(r, s, line, number);
}

static bool ends(const struct exchange_reader *r, size_t at, bool judged)
{
    struct span line = span_trim(line_at(r, at)), typed;
    return command_prompt(line_at(r, at), &typed) || holds(line, "openssl s_client") ||
           span_starts(line, SPAN("CONNECTED(")) ||
           (judged && !span_starts(line, SPAN("---")) &&
            !span_starts(line, SPAN("Extended master secret")) &&
            !span_starts(line, SPAN("Max Early Data")) && !span_starts(line, SPAN("250 ")) &&
            !is_plain_error(line) && !span_starts(line, SPAN("read R BLOCK")) &&
            !span_starts(line, SPAN("closed")));
}

static void take_certificates(struct exchange_reader *r, struct exchange_session *s,
                              struct probe *probe)
{
    if (!probe->has_certificate)
        return;
    certificates_read(r, buf_span(&probe->pem), probe->pem_line, true, &s->presented);
    if (!s->presented)
        return;
    s->certificate_subject = reader_value(r, s->presented->subject, probe->pem_line);
    s->certificate_issuer = reader_value(r, s->presented->issuer, probe->pem_line);
    s->certificate_thumbprint = reader_value(
        r, property_hex(&r->c->arena, span_of(s->presented->thumbprint)), probe->pem_line);
    s->certificate_names = (struct exchange_list){.printed = true,
                                                  .items = s->presented->names,
                                                  .count = s->presented->name_count,
                                                  .place = reader_place(r, probe->pem_line)};
}

size_t s_client_part(struct exchange_reader *r, size_t at)
{
    if (!begins(r, at))
        return 0;
    struct exchange_session *s = reader_add_session(r, r->source.lines[at].number);
    struct probe probe = {.pem = BUF_INIT(CERT_PEM_MAX)};
    struct span typed = typed_before(r, at);
    s->direction = EXCHANGE_PROBED;
    read_typed(r, s, typed);
    size_t n = 0;
    bool judged = false;
    while (n < PROBE_LINES_MAX && at + n < r->source.count &&
           (n == 0 || !ends(r, at + n, judged))) {
        take_line(r, s, &probe, at + n);
        judged = judged || holds(line_at(r, at + n), "Verify return code:");
        n++;
    }
    bool asked = holds(typed, "-starttls");
    s->plain_tls_attempt = probe.plain && !asked;
    if (s->certificate_subject.printed && asked && s->starttls == CANNOT_TELL)
        s->starttls = KNOWN_YES;
    /* Without a handshake the verdict is about nothing. */
    if (!s->certificate_subject.printed && !probe.has_certificate)
        s->presented_trusted = CANNOT_TELL;
    take_certificates(r, s, &probe);
    buf_done(&probe.pem);
    return n;
}
