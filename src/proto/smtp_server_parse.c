#include "proto/smtp_server_parse.h"

#include "base/num.h"
#include "base/text.h"

enum {
    ENVID_MAX = 100,  /* RFC 3461 section 4.4 */
    ORCPT_MAX = 500,  /* section 4.2 */
    DOMAIN_MAX = 255, /* RFC 5321 section 4.5.3.1.2 */
};

static bool is_visible(char c)
{
    return text_is_printable(c) && c != ' ';
}

/* ehlo = "EHLO" SP ( Domain / address-literal ); helo = "HELO" SP Domain.
 * Real clients say host names with underscores and worse; RFC 5321 section 4.1.4 forbids refusing
 * mail for it. What could not be written into a Received field is refused. */
static enum smtp_words parse_helo(struct span argument, bool extended, struct smtp_command *command)
{
    if (argument.n == 0 || argument.n > DOMAIN_MAX)
        return SAY_BAD_DOMAIN;
    for (size_t i = 0; i < argument.n; i++)
        if (!is_visible(argument.p[i]))
            return SAY_BAD_DOMAIN;
    command->event = (struct smtp_server_event){.kind = SMTP_SERVER_HELO,
                                                .helo = {.domain = argument, .extended = extended}};
    return SAY_NOTHING;
}

enum smtp_words smtp_parse_ehlo(struct span argument, struct smtp_command *command)
{
    return parse_helo(argument, true, command);
}

enum smtp_words smtp_parse_helo(struct span argument, struct smtp_command *command)
{
    return parse_helo(argument, false, command);
}

/* xtext = *( xchar / hexchar ); xchar = any ASCII CHAR between "!" and "~" except "+" and "=";
 * hexchar = "+" two upper-case hexadecimal digits (RFC 3461 section 4). What it encodes must be
 * printable too: it goes into header fields of notifications, where "+0D+0A" would start a field of
 * the client's choice. */
static bool is_xtext(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_visible(s.p[i]) || s.p[i] == '=')
            return false;
        if (s.p[i] != '+')
            continue;
        if (s.n - i < 3 || text_hex(s.p[i + 1]) < 0 || text_hex(s.p[i + 2]) < 0)
            return false;
        if (!text_is_printable((char)(text_hex(s.p[i + 1]) * 16 + text_hex(s.p[i + 2]))))
            return false;
        i += 2;
    }
    return true;
}

/* size-value = 1*20DIGIT (RFC 1870 section 3) */
static enum smtp_words set_size(struct span value, struct smtp_command *command)
{
    return value.n <= 20 && num_parse(value, UINT64_MAX, &command->event.mail.size) == OK
               ? SAY_NOTHING
               : SAY_BAD_PARAMETER;
}

/* body-value = "7BIT" / "8BITMIME" / "BINARYMIME" (RFC 6152, RFC 3030) */
static enum smtp_words set_body(struct span value, struct smtp_command *command)
{
    static const enum body_type bodies[] = {BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        if (span_ieq(value, span_of(body_type_name(bodies[i])))) {
            command->event.mail.body = bodies[i];
            return SAY_NOTHING;
        }
    }
    return SAY_BAD_PARAMETER;
}

/* SMTPUTF8 has no value (RFC 6531 section 3.4). */
static enum smtp_words set_smtputf8(struct span value, struct smtp_command *command)
{
    command->event.mail.smtputf8 = true;
    return value.p ? SAY_BAD_PARAMETER : SAY_NOTHING;
}

/* ret-value = "FULL" / "HDRS" (RFC 3461 section 4.3) */
static enum smtp_words set_ret(struct span value, struct smtp_command *command)
{
    if (span_ieq(value, SPAN("FULL")))
        command->event.mail.ret = RET_FULL;
    else if (span_ieq(value, SPAN("HDRS")))
        command->event.mail.ret = RET_HDRS;
    return command->event.mail.ret == RET_UNSAID ? SAY_BAD_PARAMETER : SAY_NOTHING;
}

/* envid-parameter = "ENVID=" xtext (RFC 3461 section 4.4) */
static enum smtp_words set_envid(struct span value, struct smtp_command *command)
{
    command->event.mail.envid = value;
    return value.n && value.n <= ENVID_MAX && is_xtext(value) ? SAY_NOTHING : SAY_BAD_PARAMETER;
}

/* notify-esmtp-value = "NEVER" / 1#notify-list-element (RFC 3461 section 4.1) */
static enum smtp_words set_notify(struct span value, struct smtp_command *command)
{
    static const struct {
        struct span name;
        enum notify bit;
    } names[] = {{{"NEVER", 5}, NOTIFY_NEVER},
                 {{"SUCCESS", 7}, NOTIFY_SUCCESS},
                 {{"FAILURE", 7}, NOTIFY_FAILURE},
                 {{"DELAY", 5}, NOTIFY_DELAY}};
    unsigned notify = 0;
    for (struct span element; span_cut(&value, ',', &element);) {
        unsigned bit = 0;
        for (size_t i = 0; i < COUNT_OF(names); i++)
            if (span_ieq(element, names[i].name))
                bit = names[i].bit;
        if (bit == 0)
            return SAY_BAD_PARAMETER;
        notify |= bit;
    }
    command->event.rcpt.notify = notify;
    return notify == 0 || ((notify & NOTIFY_NEVER) && notify != NOTIFY_NEVER) ? SAY_BAD_PARAMETER
                                                                              : SAY_NOTHING;
}

/* orcpt-parameter = "ORCPT=" addr-type ";" xtext (RFC 3461 section 4.2); with addr-type utf-8 the
 * address may be UTF-8 as it is (RFC 6533 section 3). */
static enum smtp_words set_orcpt(struct span value, struct smtp_command *command)
{
    size_t separator = span_find(value, ';');
    struct span type = span_head(value, separator), address = span_skip(value, separator + 1);
    command->event.rcpt.orcpt = value;
    if (type.n == 0 || address.n == 0 || value.n > ORCPT_MAX || !is_xtext(type))
        return SAY_BAD_PARAMETER;
    if (!span_ieq(type, SPAN("utf-8")))
        return is_xtext(address) ? SAY_NOTHING : SAY_BAD_PARAMETER;
    for (size_t i = 0; i < address.n; i++)
        if (!is_visible(address.p[i]) && (unsigned char)address.p[i] < 128)
            return SAY_BAD_PARAMETER;
    return text_is_utf8(address) ? SAY_NOTHING : SAY_BAD_PARAMETER;
}

struct parameter {
    struct span keyword;
    /* value.p is NULL where there is no "=" */
    enum smtp_words (*set)(struct span value, struct smtp_command *command);
};

static const struct parameter mail_parameters[] = {
    {{"SIZE", 4}, set_size},         {{"BODY", 4}, set_body},   {{"RET", 3}, set_ret},
    {{"SMTPUTF8", 8}, set_smtputf8}, {{"ENVID", 5}, set_envid},
};

static const struct parameter rcpt_parameters[] = {
    {{"NOTIFY", 6}, set_notify},
    {{"ORCPT", 5}, set_orcpt},
};

/* Mail-parameters = esmtp-param *(SP esmtp-param); esmtp-param = esmtp-keyword ["=" esmtp-value].
 * Each may stand once: two values would let two implementations read two things. */
static enum smtp_words parse_parameters(struct span rest, const struct parameter *known,
                                        size_t count, struct smtp_command *command)
{
    unsigned seen = 0;
    if (rest.n && rest.p[0] != ' ')
        return SAY_BAD_PARAMETER;
    for (struct span part; span_cut(&rest, ' ', &part);) {
        if (part.n == 0)
            continue;
        size_t equals = span_find(part, '=');
        struct span keyword = span_head(part, equals);
        struct span value = equals < part.n ? span_skip(part, equals + 1) : SPAN_NONE;
        size_t i = 0;
        while (i < count && !span_ieq(keyword, known[i].keyword))
            i++;
        if (i == count)
            return SAY_UNKNOWN_PARAMETER;
        enum smtp_words problem = known[i].set(value, command);
        if (problem != SAY_NOTHING)
            return problem;
        if (seen & (1U << i))
            return SAY_BAD_PARAMETER;
        seen |= 1U << i;
    }
    return SAY_NOTHING;
}

/* Reads "FROM:<path>" or "TO:<path>". RFC 5321 section 3.3 forbids blanks behind the colon, but
 * many clients send them and nothing is ambiguous about it. UTF-8 is judged later, as SMTPUTF8
 * stands behind the path. */
static bool parse_path(struct span argument, struct span word, struct address *path,
                       struct span *rest)
{
    if (!span_istarts(argument, word))
        return false;
    struct span text = span_skip(argument, word.n);
    while (text.n && text.p[0] == ' ')
        text = span_skip(text, 1);
    size_t used = 0;
    if (address_parse_path(text, true, path, &used) != OK)
        return false;
    *rest = span_skip(text, used);
    return true;
}

/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]; Reverse-path = Path / "<>" */
enum smtp_words smtp_parse_mail(struct span argument, struct smtp_command *command)
{
    command->event = (struct smtp_server_event){.kind = SMTP_SERVER_MAIL};
    struct address *path = &command->event.mail.reverse_path;
    struct span rest;
    if (!parse_path(argument, SPAN("FROM:"), path, &rest))
        return SAY_BAD_SENDER;
    if (path->text.n && path->domain.n == 0) /* <Postmaster> is a recipient only */
        return SAY_BAD_SENDER;
    enum smtp_words problem =
        parse_parameters(rest, mail_parameters, COUNT_OF(mail_parameters), command);
    if (problem == SAY_NOTHING && path->utf8 && !command->event.mail.smtputf8)
        return SAY_NEEDS_SMTPUTF8;
    return problem;
}

/* rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP
 * Rcpt-parameters] */
enum smtp_words smtp_parse_rcpt(struct span argument, struct smtp_command *command)
{
    command->event = (struct smtp_server_event){.kind = SMTP_SERVER_RCPT};
    struct address *path = &command->event.rcpt.path;
    struct span rest;
    if (!parse_path(argument, SPAN("TO:"), path, &rest) || path->text.n == 0)
        return SAY_BAD_RECIPIENT;
    return parse_parameters(rest, rcpt_parameters, COUNT_OF(rcpt_parameters), command);
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]; chunk-size = 1*DIGIT; end-marker = "LAST" (RFC
 * 3030) */
enum smtp_words smtp_parse_bdat(struct span argument, struct smtp_command *command)
{
    size_t blank = span_find(argument, ' ');
    struct span marker = span_trim(span_skip(argument, blank));
    command->chunk_last = span_ieq(marker, SPAN("LAST"));
    if (marker.n && !command->chunk_last)
        return SAY_BAD_CHUNK;
    return num_parse(span_head(argument, blank), UINT64_MAX, &command->chunk_size) == OK
               ? SAY_NOTHING
               : SAY_BAD_CHUNK;
}

/* vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] (RFC 6531 section 3.7.4.2) */
enum smtp_words smtp_parse_vrfy(struct span argument, struct smtp_command *command)
{
    const struct span smtputf8 = SPAN(" SMTPUTF8");
    if (span_iends(argument, smtputf8))
        argument = span_trim(span_head(argument, argument.n - smtputf8.n));
    command->event = (struct smtp_server_event){.kind = SMTP_SERVER_VRFY, .vrfy = argument};
    return argument.n && text_is_utf8(argument) ? SAY_NOTHING : SAY_BAD_ARGUMENT;
}

/* DATA, RSET, QUIT and STARTTLS stand alone. */
enum smtp_words smtp_parse_nothing(struct span argument, struct smtp_command *command)
{
    (void)command;
    return argument.n ? SAY_BAD_ARGUMENT : SAY_NOTHING;
}

/* noop = "NOOP" [ SP String ]; help = "HELP" [ SP String ]; and verbs that are refused whatever
 * follows. */
enum smtp_words smtp_parse_anything(struct span argument, struct smtp_command *command)
{
    (void)argument;
    (void)command;
    return SAY_NOTHING;
}
