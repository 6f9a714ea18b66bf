#include "proto/smtp_server_private.h"

/* What makes a command more than its row's states and grammar say. */
enum {
    NEEDS_TLS = 1, /* 530 before STARTTLS where TLS is required */
    BEGINS_MAIL = 2,
    FOLLOWS_MAIL = 4, /* pipelined behind MAIL and RCPT */
    HAS_CHUNK = 8,    /* octets follow whatever the reply is */
};

struct rule {
    struct span verb;
    unsigned states; /* where it is in order */
    unsigned flags;
    smtp_parse *parse;
    void (*run)(struct smtp_server *m, const struct smtp_command *command);
};

static void ask(struct smtp_server *m, const struct smtp_command *command)
{
    server_ask(m, &command->event);
}

static void run_helo(struct smtp_server *m, const struct smtp_command *command)
{
    m->extended = command->event.helo.extended;
    server_ask(m, &command->event);
}

static void refuse_mail(struct smtp_server *m, enum smtp_words why)
{
    m->mail_refused = true;
    server_complain(m, why);
}

static void run_mail(struct smtp_server *m, const struct smtp_command *command)
{
    const struct smtp_server_options *o = &m->options;
    if (o->max_messages && m->messages >= o->max_messages) {
        refuse_mail(m, SAY_TOO_MANY_MESSAGES);
    } else if (o->max_message_size && command->event.mail.size > o->max_message_size) {
        server_push_kind(m, SMTP_SERVER_TOO_LARGE);
        refuse_mail(m, SAY_TOO_LARGE); /* RFC 1870 section 6.1 */
    } else {
        m->body = command->event.mail.body;
        m->smtputf8 = command->event.mail.smtputf8;
        server_ask(m, &command->event);
    }
}

static void run_rcpt(struct smtp_server *m, const struct smtp_command *command)
{
    if (m->options.max_recipients && m->recipients >= m->options.max_recipients)
        server_complain(m, SAY_TOO_MANY_RECIPIENTS); /* RFC 5321 section 4.5.3.1.10 */
    else if (command->event.rcpt.path.utf8 && !m->smtputf8)
        server_complain(m, SAY_NEEDS_SMTPUTF8);
    else
        server_ask(m, &command->event);
}

static void run_data(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    if (m->body == BODY_BINARYMIME)
        server_complain(m, SAY_BINARY_NEEDS_CHUNKS); /* RFC 3030 section 3 */
    else
        server_begin_data(m);
}

static void run_bdat(struct smtp_server *m, const struct smtp_command *command)
{
    server_begin_chunk(m, command);
}

static void run_rset(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_end_transaction(m);
    m->mail_refused = false;
    server_say(m, SAY_OK);
    if (m->state != SERVER_START)
        server_set_state(m, SERVER_GREETED);
}

static void run_noop(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_say(m, SAY_OK);
}

static void run_help(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_say(m, SAY_HELP);
}

static void run_expn(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_complain(m, SAY_NOT_IMPLEMENTED);
}

static void run_quit(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_say_named(m, 221, "2.0.0", "Closing");
    server_close(m,
                 m->state == SERVER_REFUSED ? SMTP_SERVER_CLOSE_REFUSED : SMTP_SERVER_CLOSE_QUIT);
}

static void run_starttls(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    if (m->tls_active) {
        server_complain(m, SAY_TLS_ACTIVE);
    } else if (m->options.tls == SMTP_SERVER_TLS_OFF) {
        server_complain(m, SAY_NOT_IMPLEMENTED); /* as any extension that was not offered */
    } else if (m->input_follows) {
        server_say(m, SAY_PLAINTEXT_BEHIND_STARTTLS);
        server_close(m, SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS);
    } else {
        server_say(m, SAY_READY_FOR_TLS);
        server_end_transaction(m); /* RFC 3207 section 4.2 */
        server_push_kind(m, SMTP_SERVER_STARTTLS);
        server_set_state(m, SERVER_TLS);
    }
}

/* A browser that was made to speak to us by a web page, or a lost proxy: nothing it sends may
 * become mail. */
static void run_foreign(struct smtp_server *m, const struct smtp_command *command)
{
    (void)command;
    server_say_named(m, 421, "4.7.0", "This is SMTP, not HTTP");
    server_close(m, SMTP_SERVER_CLOSE_ERRORS);
}

enum {
    START = SERVER_IN(SERVER_START),
    GREETED = SERVER_IN(SERVER_GREETED),
    MAIL = SERVER_IN(SERVER_MAIL),
    RCPT = SERVER_IN(SERVER_RCPT),
    BDAT = SERVER_IN(SERVER_BDAT),
    FAILED = SERVER_IN(SERVER_FAILED),
    REFUSED = SERVER_IN(SERVER_REFUSED),
    SESSION = START | GREETED | MAIL | RCPT | BDAT | FAILED,
};

/* RFC 5321 section 4.1.4 says which order is right; nothing else in this program judges it. */
static const struct rule rules[] = {
    {{"MAIL", 4}, GREETED, NEEDS_TLS | BEGINS_MAIL, smtp_parse_mail, run_mail},
    {{"RCPT", 4}, MAIL | RCPT, FOLLOWS_MAIL, smtp_parse_rcpt, run_rcpt},
    {{"DATA", 4}, RCPT, FOLLOWS_MAIL, smtp_parse_nothing, run_data},
    {{"BDAT", 4}, RCPT | BDAT, FOLLOWS_MAIL | HAS_CHUNK, smtp_parse_bdat, run_bdat},
    {{"EHLO", 4}, SESSION, 0, smtp_parse_ehlo, run_helo},
    {{"HELO", 4}, SESSION, 0, smtp_parse_helo, run_helo},
    {{"STARTTLS", 8}, GREETED | MAIL | RCPT, 0, smtp_parse_nothing, run_starttls},
    {{"RSET", 4}, SESSION, 0, smtp_parse_nothing, run_rset},
    {{"NOOP", 4}, SESSION, 0, smtp_parse_anything, run_noop},
    {{"QUIT", 4}, SESSION | REFUSED, 0, smtp_parse_nothing, run_quit},
    {{"HELP", 4}, SESSION, 0, smtp_parse_anything, run_help},
    {{"VRFY", 4}, SESSION, NEEDS_TLS, smtp_parse_vrfy, ask},
    {{"EXPN", 4}, SESSION, 0, smtp_parse_anything, run_expn},
    {{"GET", 3}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"POST", 4}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"PUT", 3}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"HEAD", 4}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"OPTIONS", 7}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"CONNECT", 7}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
    {{"Host:", 5}, SESSION | REFUSED, 0, smtp_parse_anything, run_foreign},
};

static const struct rule *find_rule(struct span verb)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (span_ieq(verb, rules[i].verb))
            return &rules[i];
    return NULL;
}

/* Why a command cannot stand where it stands. */
static enum smtp_words out_of_order(const struct smtp_server *m, const struct rule *rule)
{
    switch (m->state) {
    case SERVER_START: return SAY_HELO_FIRST;
    case SERVER_GREETED: return SAY_MAIL_FIRST;
    case SERVER_MAIL: return rule->flags & FOLLOWS_MAIL ? SAY_RCPT_FIRST : SAY_NESTED_MAIL;
    case SERVER_BDAT: return SAY_CHUNKS_ARRIVE;
    case SERVER_FAILED: return SAY_CHUNK_FAILED;
    case SERVER_REFUSED: return SAY_NO_SERVICE;
    default: return SAY_NESTED_MAIL;
    }
}

static enum smtp_words judge(const struct smtp_server *m, const struct rule *rule,
                             enum smtp_words parsed)
{
    if ((rule->flags & NEEDS_TLS) && m->options.tls == SMTP_SERVER_TLS_REQUIRED && !m->tls_active &&
        m->state != SERVER_REFUSED)
        return SAY_TLS_REQUIRED; /* RFC 3207 section 4 */
    if (!(rule->states & SERVER_IN(m->state)))
        return out_of_order(m, rule);
    return parsed;
}

/* A client that pipelines (RFC 2920) cannot know that a command before was refused: what follows is
 * out of order then, but no error of its own. */
static bool is_error(const struct smtp_server *m, const struct rule *rule, enum smtp_words why)
{
    if (rule->flags & FOLLOWS_MAIL) {
        if (why == SAY_MAIL_FIRST && m->mail_refused)
            return false;
        if (why == SAY_CHUNK_FAILED)
            return false;
    }
    return smtp_words_count_as_error(why);
}

static void refuse_command(struct smtp_server *m, const struct rule *rule,
                           const struct smtp_command *command, enum smtp_words why)
{
    bool counts = is_error(m, rule, why);
    if (rule->flags & HAS_CHUNK) {
        server_skip_chunk(m, command, why, counts);
        return;
    }
    if ((rule->flags & BEGINS_MAIL) && m->state == SERVER_GREETED)
        m->mail_refused = true;
    server_say(m, why);
    if (counts)
        server_count_error(m);
}

/* Where a chunk ends is not known, so what comes next could be its octets, taken for commands. */
static void refuse_chunk_without_end(struct smtp_server *m, enum smtp_words why)
{
    server_complain(m, why);
    if (m->state == SERVER_CLOSED)
        return;
    server_say_named(m, 421, "4.7.0", "Cannot tell what follows");
    server_close(m, SMTP_SERVER_CLOSE_ERRORS);
}

void server_bad_line(struct smtp_server *m, struct span head, enum smtp_words why)
{
    if (span_istarts(head, SPAN("BDAT")))
        refuse_chunk_without_end(m, why);
    else
        server_complain(m, why);
}

void server_command(struct smtp_server *m, struct span line)
{
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--; /* RFC 5321 section 4.1.1: tolerated */
    size_t blank = span_find(line, ' ');
    const struct rule *rule = find_rule(span_head(line, blank));
    if (!rule) {
        server_complain(m, m->state == SERVER_REFUSED ? SAY_NO_SERVICE : SAY_UNKNOWN_COMMAND);
        return;
    }
    struct smtp_command command = {0};
    enum smtp_words parsed = rule->parse(span_trim(span_skip(line, blank)), &command);
    enum smtp_words problem = judge(m, rule, parsed);
    if ((rule->flags & HAS_CHUNK) && parsed != SAY_NOTHING)
        refuse_chunk_without_end(m, parsed);
    else if (problem != SAY_NOTHING)
        refuse_command(m, rule, &command, problem);
    else
        rule->run(m, &command);
}
