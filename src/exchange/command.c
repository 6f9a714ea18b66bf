#include "exchange/command.h"

#include "base/text.h"

static const struct {
    const char *noun;
    enum object_kind kind;
} nouns[] = {
    {"ExchangeCertificate", OBJECT_CERTIFICATE},
    {"ReceiveConnector", OBJECT_RECEIVE_CONNECTOR},
    {"SendConnector", OBJECT_SEND_CONNECTOR},
    {"TransportService", OBJECT_SERVER},
    {"TransportServer", OBJECT_SERVER},
    {"FrontendTransportService", OBJECT_SERVER},
    {"MailboxTransportService", OBJECT_SERVER},
    {"ExchangeServer", OBJECT_SERVER},
    {"ClientAccessServer", OBJECT_SERVER},
    {"ClientAccessService", OBJECT_SERVER},
    {"AcceptedDomain", OBJECT_DOMAIN},
    {"Queue", OBJECT_QUEUE},
    {"EventLog", OBJECT_EVENT},
    {"WinEvent", OBJECT_EVENT},
};

static const char *const verbs[] = {"Get-",     "Set-",    "New-",       "Remove-",      "Enable-",
                                    "Import-",  "Export-", "Disable-",   "Start-",       "Test-",
                                    "Restart-", "Retry-",  "ConvertTo-", "Import-Clixml"};

static struct span skip_blanks(struct span s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = span_skip(s, 1);
    return s;
}

bool command_prompt(struct span line, struct span *typed)
{
    struct span s = skip_blanks(line);
    bool marked = span_istarts(s, SPAN("[PS]")) || span_istarts(s, SPAN("PS "));
    bool drive = s.n > 3 && text_is_alpha(s.p[0]) && s.p[1] == ':' && s.p[2] == '\\';
    size_t at = span_find(s, '>');
    *typed = line;
    if (span_starts(s, SPAN(">>")) && !marked) {
        *typed = skip_blanks(span_skip(s, 2));
        return true;
    }
    if ((!marked && !drive) || at == s.n)
        return false;
    *typed = skip_blanks(span_skip(s, at + 1));
    return true;
}

static bool is_cmdlet(struct span word)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (span_istarts(word, span_of(verbs[i])) && word.n > strlen(verbs[i]))
            return true;
    }
    return false;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '|' || c == ')' || c == '(' || c == ';' || c == '}' || c == '.';
}

/* The next word, without its quotes; a quoted one may hold blanks. */
static struct span next_word(struct span *rest)
{
    struct span s = skip_blanks(*rest);
    if (s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'')) {
        struct span inside = span_skip(s, 1);
        size_t n = span_find(inside, s.p[0]);
        *rest = span_skip(inside, n + 1);
        return span_head(inside, n);
    }
    size_t n = 0;
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '|' && s.p[n] != ')' && s.p[n] != ';')
        n++;
    *rest = span_skip(s, n ? n : 1);
    return span_head(s, n);
}

/* Where the first cmdlet begins: behind "$x = ", "(", or at the front. */
static bool find_cmdlet(struct span typed, struct span *cmdlet, struct span *rest)
{
    size_t at = 0;
    while (at < typed.n) {
        bool begins = at == 0 || ends_word(typed.p[at - 1]) || typed.p[at - 1] == '=';
        if (begins && is_cmdlet(span_skip(typed, at))) {
            size_t n = 0;
            struct span s = span_skip(typed, at);
            while (n < s.n && !ends_word(s.p[n]))
                n++;
            *cmdlet = span_head(s, n);
            *rest = span_skip(s, n);
            return true;
        }
        at++;
    }
    return false;
}

static enum object_kind kind_of(struct span cmdlet)
{
    struct span noun = span_skip(cmdlet, span_find(cmdlet, '-') + 1);
    for (size_t i = 0; i < COUNT_OF(nouns); i++) {
        if (span_ieq(noun, span_of(nouns[i].noun)))
            return nouns[i].kind;
    }
    return OBJECT_UNKNOWN;
}

/* Parameters may be shortened, as PowerShell allows. */
static bool names(struct span word, const char *parameter, size_t least)
{
    return word.n > least && span_istarts(span_of(parameter), word);
}

static void read_parameters(struct span *rest, struct command *command)
{
    while (rest->n > 0) {
        *rest = skip_blanks(*rest);
        if (rest->n == 0 || rest->p[0] == '|' || rest->p[0] == ';')
            return;
        struct span word = next_word(rest);
        size_t colon = span_find(word, ':');
        bool has_value = colon < word.n && span_starts(word, SPAN("-"));
        struct span name = has_value ? span_head(word, colon) : word;
        struct span value = has_value ? span_skip(word, colon + 1) : SPAN_NONE;
        if (names(name, "-Server", 2) || names(name, "-ComputerName", 3)) {
            command->server = has_value ? value : next_word(rest);
        } else if (names(name, "-Thumbprint", 1)) {
            command->thumbprint = has_value ? value : next_word(rest);
            command->whole = false;
        } else if (names(name, "-Services", 4)) {
            command->services = has_value ? value : next_word(rest);
        } else if (names(name, "-DomainController", 7)) {
            if (!has_value)
                next_word(rest);
        } else {
            if (!span_starts(word, SPAN("-")) && word.n == CERT_THUMBPRINT_HEX - 1)
                command->thumbprint = word; /* the first parameter by position */
            command->whole = false;
        }
    }
}

static void read_pipe(struct span rest, struct command *command)
{
    static const char *const filters[] = {"where",         "?",
                                          "select -first", "select-object -first",
                                          "select -last",  "select-object -index"};
    struct span part;
    while (span_cut(&rest, '|', &part)) {
        part = span_trim(part);
        for (size_t i = 0; i < COUNT_OF(filters); i++) {
            if (span_istarts(part, span_of(filters[i])))
                command->whole = false;
        }
    }
}

/* "Server\Name" by position: "Get-ExchangeCertificate SRV1\9F8E...". */
static void split_identity(struct command *command)
{
    size_t at = span_find(command->thumbprint, '\\');
    if (at == command->thumbprint.n)
        return;
    if (command->server.n == 0)
        command->server = span_head(command->thumbprint, at);
    command->thumbprint = span_skip(command->thumbprint, at + 1);
}

bool command_read(struct span typed, struct command *command)
{
    struct span rest;
    struct command found = {.whole = true};
    if (!find_cmdlet(typed, &found.cmdlet, &rest))
        return false;
    if (span_istarts(found.cmdlet, SPAN("Get-")) || span_istarts(found.cmdlet, SPAN("Enable-")) ||
        span_istarts(found.cmdlet, SPAN("New-")))
        found.kind = kind_of(found.cmdlet);
    found.whole = span_istarts(found.cmdlet, SPAN("Get-"));
    struct span noun = span_skip(found.cmdlet, 4);
    found.transport_service =
        span_ieq(noun, SPAN("TransportService")) || span_ieq(noun, SPAN("TransportServer"));
    read_parameters(&rest, &found);
    read_pipe(rest, &found);
    split_identity(&found);
    *command = found;
    return true;
}

/* Lines that a command goes on over: PowerShell's own ">>", or a pipe at the end. */
static size_t continued(const struct exchange_reader *r, size_t at)
{
    size_t n = 1;
    while (at + n < r->source.count && n < 20) {
        struct span last = span_trim(r->source.lines[at + n - 1].text);
        struct span next = skip_blanks(r->source.lines[at + n].text);
        bool goes_on = span_iends(last, SPAN("|")) || span_iends(last, SPAN("`")) ||
                       span_starts(next, SPAN(">>")) || span_starts(next, SPAN("| "));
        if (!goes_on)
            break;
        n++;
    }
    return n;
}

size_t command_part(struct exchange_reader *r, size_t at)
{
    struct span typed, line = r->source.lines[at].text;
    bool prompt = command_prompt(line, &typed);
    if (span_search(line, SPAN("openssl s_client")) < line.n)
        return 1;
    struct span bare = span_trim(typed);
    if (!prompt && !is_cmdlet(bare) &&
        !(span_starts(bare, SPAN("$")) && span_find(bare, '=') < bare.n))
        return 0;
    struct buf joined = BUF_INIT(BUF_UNLIMITED);
    size_t n = continued(r, at);
    buf_add(&joined, typed);
    for (size_t i = 1; i < n; i++) {
        struct span more;
        command_prompt(r->source.lines[at + i].text, &more);
        buf_add_char(&joined, ' ');
        buf_add(&joined, more);
    }
    struct command command;
    bool found = command_read(arena_copy(&r->c->arena, buf_span(&joined)), &command);
    buf_done(&joined);
    /* A sentence may begin with the name of a cmdlet: without a prompt, only one with a known noun
     * counts, on a line that wraps nothing. */
    bool wraps = at > 0 && span_trim(r->source.lines[at - 1].text).n > 0;
    if (!prompt && (!found || wraps || kind_of(command.cmdlet) == OBJECT_UNKNOWN))
        return 0;
    r->command = found ? command : (struct command){0};
    r->command.line = r->source.lines[at].number;
    memset(r->listed, 0, sizeof(r->listed));
    return n;
}
