#include "base/num.h"
#include "base/text.h"
#include "exchange/command.h"
#include "exchange/paragraph.h"
#include "exchange/property.h"
#include "exchange/replies.h"
#include "exchange/sessions.h"

enum { DIALOGUE_LINES_MAX = 400 };

/* A device that rewrites replies puts X in place of what it does not want: "XXXXXXXA". */
static bool is_crossed_out(struct span word)
{
    size_t n = 0;
    while (n < word.n && word.p[n] == 'X')
        n++;
    return n >= 4 && word.n - n <= 1;
}

void session_read_ehlo(struct exchange_session *s, struct span words, bool last)
{
    struct span word;
    while (span_cut(&words, ' ', &word)) {
        if (span_ieq(word, SPAN("STARTTLS")))
            s->starttls = KNOWN_YES;
        else if (span_ieq(word, SPAN("X-ANONYMOUSTLS")))
            s->x_anonymous_tls = KNOWN_YES;
        else if (is_crossed_out(word))
            s->stripped = true;
    }
    if (last && s->starttls == CANNOT_TELL)
        s->starttls = KNOWN_NO;
    if (last && s->x_anonymous_tls == CANNOT_TELL)
        s->x_anonymous_tls = KNOWN_NO;
}

void session_read_reply(struct exchange_reader *r, struct span line, size_t at)
{
    if (line.n < 4 || (line.p[0] != '4' && line.p[0] != '5') || !text_is_digit(line.p[1]))
        return;
    struct paragraph p = paragraph_of(r, line, at);
    replies_read(r, &p);
}

/* Without the arrows and letters that tools put in front of each line. */
static struct span undressed(struct span line)
{
    static const char *const dress[] = {"<-  ", "<~  ", "<** ", " -> ", " ~> ", "<<< ", ">>> ",
                                        "<- ",  "-> ",  "S: ",  "C: ",  "< ",   "> "};
    struct span s = span_trim(line);
    for (size_t i = 0; i < COUNT_OF(dress); i++) {
        if (span_starts(s, span_of(dress[i])))
            return span_trim(span_skip(s, strlen(dress[i])));
    }
    return s;
}

static unsigned code_of(struct span s)
{
    uint64_t code = 0;
    if (s.n < 4 || (s.p[3] != ' ' && s.p[3] != '-') ||
        num_parse(span_head(s, 3), 599, &code) != OK || code < 200)
        return 0;
    return (unsigned)code;
}

static bool is_verb(struct span s)
{
    static const char *const verbs[] = {"EHLO", "HELO", "STARTTLS", "MAIL FROM", "RCPT TO",
                                        "QUIT", "RSET", "AUTH",     "DATA",      "NOOP"};
    for (size_t i = 0; i < COUNT_OF(verbs) && s.p; i++) {
        struct span verb = span_of(verbs[i]);
        if (span_istarts(s, verb) && (s.n == verb.n || !text_is_alnum(s.p[verb.n])))
            return true;
    }
    return false;
}

static struct span line_at(const struct exchange_reader *r, size_t at)
{
    return at < r->source.count ? undressed(r->source.lines[at].text) : SPAN_NONE;
}

struct dialogue {
    struct exchange_session *session;
    size_t ehlo_lines; /* of the reply at hand */
    bool greeted;      /* a reply to EHLO has ended */
    bool secured;      /* STARTTLS was given: a second reply to EHLO is of the same session */
};

/* The first word, as the name the server gives itself. */
static void set_name(struct exchange_reader *r, struct dialogue *d, struct span words, size_t at)
{
    struct span name = span_head(words, span_find(words, ' '));
    if (span_find(name, '.') < name.n)
        d->session->server_name = reader_value(r, name, r->source.lines[at].number);
}

static void begin(struct exchange_reader *r, struct dialogue *d, size_t at)
{
    *d = (struct dialogue){.session = reader_add_session(r, r->source.lines[at].number)};
    d->session->direction = EXCHANGE_PROBED;
}

static void read_banner(struct exchange_reader *r, struct dialogue *d, struct span line, size_t at)
{
    struct span words = span_trim(span_skip(line, 4));
    if (d->secured || span_starts(words, SPAN("2.0.0")))
        return;
    if (d->greeted)
        begin(r, d, at);
    set_name(r, d, words, at);
    if (span_starts(words, SPAN("****")))
        d->session->stripped = true; /* a PIX hides the banner as well */
}

static void read_250(struct exchange_reader *r, struct dialogue *d, struct span line, size_t at)
{
    struct span words = span_trim(span_skip(line, 4));
    bool last = line.p[3] == ' ';
    if (d->ehlo_lines == 0) {
        bool again = d->greeted && !d->secured && (!last || span_find(words, '[') < words.n);
        if (again)
            begin(r, d, at);
        if (!d->greeted || again)
            set_name(r, d, words, at);
    }
    d->ehlo_lines++;
    /* A line alone is the reply to HELO, or to MAIL: it offers nothing and denies nothing. */
    session_read_ehlo(d->session, words, last && d->ehlo_lines > 1);
    if (last) {
        d->greeted = d->greeted || d->ehlo_lines > 1;
        d->ehlo_lines = 0;
    }
}

static void take_line(struct exchange_reader *r, struct dialogue *d, size_t at)
{
    struct span line = line_at(r, at);
    unsigned code = code_of(line);
    if (span_istarts(line, SPAN("STARTTLS")))
        d->secured = true;
    if (code == 220)
        read_banner(r, d, line, at);
    else if (code == 250)
        read_250(r, d, line, at);
    else if (code >= 400)
        session_read_reply(r, line, at);
}

static bool belongs(const struct exchange_reader *r, size_t at)
{
    struct span line = line_at(r, at), typed;
    if (at < r->source.count && command_prompt(r->source.lines[at].text, &typed))
        return false;
    return code_of(line) != 0 || is_verb(line);
}

/* A number at the front of a line is no dialogue yet: there must be a second line of one, or a
 * banner. */
static bool begins(const struct exchange_reader *r, size_t at)
{
    struct span line = line_at(r, at);
    unsigned code = code_of(line), next = code_of(line_at(r, at + 1));
    bool esmtp =
        span_search(line, SPAN("SMTP")) < line.n || span_search(line, SPAN("***")) < line.n;
    if (code == 220)
        return esmtp || is_verb(line_at(r, at + 1)) || next == 250;
    if (code == 250)
        return line.p[3] == '-' || next == 250;
    return is_verb(line) && (next == 250 || next == 220);
}

size_t dialogue_part(struct exchange_reader *r, size_t at)
{
    if (!begins(r, at))
        return 0;
    struct dialogue d;
    begin(r, &d, at);
    size_t n = 0;
    while (n < DIALOGUE_LINES_MAX && at + n < r->source.count) {
        bool blank = line_at(r, at + n).n == 0;
        if (!belongs(r, at + n) && !(blank && belongs(r, at + n + 1)))
            break;
        if (!blank)
            take_line(r, &d, at + n);
        n++;
    }
    return n;
}
