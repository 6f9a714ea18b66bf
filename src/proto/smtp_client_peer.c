#include "proto/smtp_client_private.h"

#include "base/num.h"

/* RFC 1870 section 3: "SIZE" [SP 1*20DIGIT]. What cannot be read, or is 0, states no limit. */
static void take_size(struct smtp_peer *peer, struct span parameters)
{
    uint64_t size = 0;
    peer->size = true;
    peer->max_size = num_parse(span_trim(parameters), UINT64_MAX, &size) == OK ? size : 0;
}

static unsigned limit_value(struct span value)
{
    uint64_t number = 0;
    return num_parse(value, 999999, &number) == OK ? (unsigned)number : 0; /* 1*6DIGIT */
}

/* RFC 9422 section 4: name=value, separated by blanks; unknown names are skipped. */
static void take_limits(struct smtp_peer *peer, struct span parameters)
{
    struct span limit;
    while (span_cut(&parameters, ' ', &limit)) {
        size_t equals = span_find(limit, '=');
        struct span name = span_head(limit, equals);
        struct span value = span_skip(limit, equals + 1);
        if (span_ieq(name, SPAN("RCPTMAX")))
            peer->max_recipients = limit_value(value);
        else if (span_ieq(name, SPAN("MAILMAX")))
            peer->max_messages = limit_value(value);
    }
}

static void take_keyword(struct smtp_peer *peer, struct span line)
{
    const struct {
        struct span keyword;
        bool *flag;
    } flags[] = {
        {SPAN("STARTTLS"), &peer->starttls},
        {SPAN("PIPELINING"), &peer->pipelining},
        {SPAN("8BITMIME"), &peer->eightbitmime},
        {SPAN("CHUNKING"), &peer->chunking},
        {SPAN("BINARYMIME"), &peer->binarymime},
        {SPAN("SMTPUTF8"), &peer->smtputf8},
        {SPAN("DSN"), &peer->dsn},
        {SPAN("ENHANCEDSTATUSCODES"), &peer->enhancedstatuscodes},
    };
    size_t blank = span_find(line, ' ');
    struct span keyword = span_head(line, blank);
    struct span parameters = span_skip(line, blank + 1);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (span_ieq(keyword, flags[i].keyword))
            *flags[i].flag = true;
    }
    if (span_ieq(keyword, SPAN("SIZE")))
        take_size(peer, parameters);
    else if (span_ieq(keyword, SPAN("LIMITS")))
        take_limits(peer, parameters);
}

struct smtp_peer client_parse_ehlo(struct span text)
{
    struct smtp_peer peer = {.extended = true};
    struct span line;
    span_cut(&text, '\n', &line); /* the peer's name and its greeting */
    while (span_cut(&text, '\n', &line))
        take_keyword(&peer, span_trim(line));
    return peer;
}
