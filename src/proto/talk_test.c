/* Holds the conversations of test/talk with the machine: as they are written, all at once, octet by
 * octet, and cut at random. What the server says and asks must be the same each time. */
#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "proto/talk_file.h"

enum { RANDOM_RUNS = 25, ANSWERS_MAX = 2000, SHOWN_CONTENT = 400 };

enum cuts { CUTS_AS_WRITTEN, CUTS_NONE, CUTS_EACH_OCTET, CUTS_RANDOM };

struct run {
    const struct talk *talk;
    enum cuts cuts;
    unsigned seed;
    struct smtp_server *machine;
    struct buf said;    /* lines "S: ..." and "E: ..." */
    struct buf content; /* of the message at hand */
    uint64_t content_size;
    bool closed;
    /* In the run as written: the answers of the file that wait for a question. */
    const struct talk_step *waiting[ANSWERS_MAX];
    size_t waiting_count, waiting_at;
};

/* What each question was answered with when the file was run as written; other runs repeat it. */
static const struct talk_step *answers[ANSWERS_MAX];
static size_t answer_count, answer_at;

static unsigned next_random(struct run *r)
{
    r->seed = r->seed * 1103515245U + 12345U;
    return r->seed >> 16;
}

/* ---- the transcript ---- */

static void take_output(struct run *r)
{
    struct span out = smtp_server_out(r->machine), line;
    struct buf copy = BUF_INIT(BUF_UNLIMITED);
    buf_add(&copy, out);
    while ((out = smtp_server_out(r->machine)).n)
        smtp_server_sent(r->machine, r->cuts == CUTS_RANDOM ? 1 + next_random(r) % out.n : out.n);
    struct span rest = buf_span(&copy);
    if (rest.n && (rest.n < 2 || memcmp(rest.p + rest.n - 2, "\r\n", 2) != 0))
        talk_fail(r->talk, 0, "output is not whole lines");
    while (rest.n && span_cut(&rest, '\n', &line))
        if (line.n)
            buf_addf(&r->said, "S: " SPAN_FMT "\n", SPAN_ARG(span_head(line, line.n - 1)));
    buf_done(&copy);
}

static void add_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r')
            buf_add_text(out, "\\r");
        else if (c == '\n')
            buf_add_text(out, "\\n");
        else if (c == '\\')
            buf_add_text(out, "\\\\");
        else if (c < 32 || c > 126)
            buf_addf(out, "\\x%02X", c);
        else
            buf_add_char(out, text.p[i]);
    }
}

static void say_mail(struct buf *out, const struct smtp_server_event *event)
{
    buf_addf(out, "mail <" SPAN_FMT ">", SPAN_ARG(event->mail.reverse_path.text));
    if (event->mail.size)
        buf_addf(out, " size=%" PRIu64, event->mail.size);
    if (event->mail.body != BODY_7BIT)
        buf_addf(out, " body=%s", body_type_name(event->mail.body));
    if (event->mail.smtputf8)
        buf_add_text(out, " smtputf8");
    if (event->mail.ret != RET_UNSAID)
        buf_addf(out, " ret=%s", event->mail.ret == RET_FULL ? "FULL" : "HDRS");
    if (event->mail.envid.n)
        buf_addf(out, " envid=" SPAN_FMT, SPAN_ARG(event->mail.envid));
}

static void say_rcpt(struct buf *out, const struct smtp_server_event *event)
{
    char notify[32];
    notify_format(event->rcpt.notify, notify);
    buf_addf(out, "rcpt <" SPAN_FMT ">", SPAN_ARG(event->rcpt.path.text));
    if (notify[0])
        buf_addf(out, " notify=%s", notify);
    if (event->rcpt.orcpt.n)
        buf_addf(out, " orcpt=" SPAN_FMT, SPAN_ARG(event->rcpt.orcpt));
}

static const char *const close_names[] = {
    [SMTP_SERVER_CLOSE_QUIT] = "quit",
    [SMTP_SERVER_CLOSE_ERRORS] = "errors",
    [SMTP_SERVER_CLOSE_PLAINTEXT_AFTER_STARTTLS] = "plaintext",
    [SMTP_SERVER_CLOSE_REFUSED] = "refused",
    [SMTP_SERVER_CLOSE_ANSWER] = "answer",
    [SMTP_SERVER_CLOSE_TOO_LONG] = "too-long",
};

static void say_event(struct run *r, const struct smtp_server_event *event)
{
    struct buf *out = &r->said;
    buf_add_text(out, "E: ");
    switch (event->kind) {
    case SMTP_SERVER_HELO:
        buf_addf(out, "%s " SPAN_FMT, event->helo.extended ? "ehlo" : "helo",
                 SPAN_ARG(event->helo.domain));
        break;
    case SMTP_SERVER_MAIL: say_mail(out, event); break;
    case SMTP_SERVER_RCPT: say_rcpt(out, event); break;
    case SMTP_SERVER_DATA: buf_add_text(out, event->data.chunked ? "data chunked" : "data"); break;
    case SMTP_SERVER_CONTENT: break;
    case SMTP_SERVER_DATA_END:
        buf_addf(out, "end %" PRIu64 " ", r->content_size);
        add_escaped(out, buf_span(&r->content));
        break;
    case SMTP_SERVER_DATA_ABORT: buf_add_text(out, "abort"); break;
    case SMTP_SERVER_TOO_LARGE: buf_add_text(out, "too-large"); break;
    case SMTP_SERVER_RESET: buf_add_text(out, "reset"); break;
    case SMTP_SERVER_VRFY: buf_addf(out, "vrfy " SPAN_FMT, SPAN_ARG(event->vrfy)); break;
    case SMTP_SERVER_STARTTLS: buf_add_text(out, "starttls"); break;
    case SMTP_SERVER_CLOSE: buf_addf(out, "close %s", close_names[event->close]); break;
    }
    buf_add_text(out, "\n");
}

/* ---- the machine's caller ---- */

static bool is_question(enum smtp_server_event_kind kind)
{
    return kind == SMTP_SERVER_HELO || kind == SMTP_SERVER_MAIL || kind == SMTP_SERVER_RCPT ||
           kind == SMTP_SERVER_DATA || kind == SMTP_SERVER_DATA_END || kind == SMTP_SERVER_VRFY;
}

static const struct reply *next_answer(struct run *r)
{
    const struct talk_step *step = NULL;
    if (r->cuts != CUTS_AS_WRITTEN) {
        if (answer_at == answer_count)
            talk_fail(r->talk, 0, "more questions than in the run as written");
        step = answers[answer_at++];
    } else {
        if (answer_count == ANSWERS_MAX)
            talk_fail(r->talk, 0, "too many questions");
        if (r->waiting_at < r->waiting_count)
            step = r->waiting[r->waiting_at++];
        answers[answer_count++] = step;
    }
    return !step || step->standard ? NULL : &step->reply;
}

static void handle(struct run *r, const struct smtp_server_event *event)
{
    if (event->kind == SMTP_SERVER_CONTENT) {
        assert(event->content.n > 0);
        r->content_size += event->content.n;
        buf_add(&r->content, span_head(event->content, SHOWN_CONTENT - r->content.n));
        return;
    }
    take_output(r);
    say_event(r, event);
    if (event->kind == SMTP_SERVER_DATA || event->kind == SMTP_SERVER_DATA_END) {
        buf_reset(&r->content);
        r->content_size = 0;
    }
    r->closed |= event->kind == SMTP_SERVER_CLOSE;
    if (is_question(event->kind)) {
        const struct reply *answer = next_answer(r);
        smtp_server_answer(r->machine, answer);
    }
}

static void handle_all(struct run *r)
{
    struct smtp_server_event event;
    while (smtp_server_next(r->machine, &event))
        handle(r, &event);
    take_output(r);
}

/* The input is a copy of exactly its size, and gone before events of commands are looked at: only
 * content may point into it. */
static size_t feed_once(struct run *r, struct span input)
{
    struct smtp_server_event event;
    char *copy = malloc(input.n);
    assert(copy);
    memcpy(copy, input.p, input.n);
    size_t used = smtp_server_feed(r->machine, span_make(copy, input.n));
    bool more = smtp_server_next(r->machine, &event);
    if (more && event.kind == SMTP_SERVER_CONTENT) {
        handle(r, &event);
        more = smtp_server_next(r->machine, &event);
        assert(!more || event.kind != SMTP_SERVER_CONTENT);
    }
    free(copy);
    if (more)
        handle(r, &event);
    handle_all(r);
    assert(used > 0);
    return used;
}

static void feed(struct run *r, struct span input)
{
    while (input.n && !r->closed) {
        size_t n = input.n;
        if (r->cuts == CUTS_EACH_OCTET)
            n = 1;
        else if (r->cuts == CUTS_RANDOM)
            n = 1 + next_random(r) % (next_random(r) % 2 ? 8 : input.n < 3000 ? input.n : 3000);
        if (n > input.n || (r->talk->one_write && r->cuts != CUTS_AS_WRITTEN))
            n = input.n;
        for (struct span part = span_head(input, n); part.n && !r->closed;)
            part = span_skip(part, feed_once(r, part));
        input = span_skip(input, n);
    }
}

/* ---- comparing ---- */

/* "250-..." stands for the rest of a reply, its last line included. */
static void skip_reply(struct span *said, struct span code)
{
    struct span line;
    while (span_starts(span_skip(*said, 3), code)) {
        bool last = said->n > 6 && said->p[6] == ' ';
        span_cut(said, '\n', &line);
        if (last)
            break;
    }
}

static bool matches(struct span *said, const struct talk_step *step)
{
    const struct span more = SPAN("-...");
    struct span line = SPAN_NONE;
    char letter = step->kind == TALK_REPLY ? 'S' : 'E';
    if (said->n < 3 || said->p[0] != letter)
        return false;
    if (letter == 'S' && step->text.n == 7 && span_iends(step->text, more)) {
        size_t before = said->n;
        skip_reply(said, span_head(step->text, 3));
        return said->n < before;
    }
    if (!text_glob(step->text, span_skip(span_head(*said, span_find(*said, '\n')), 3)))
        return false;
    return span_cut(said, '\n', &line);
}

/* Compares what was said with the expectations among steps [from, to). */
static void compare(struct run *r, size_t from, size_t to)
{
    static const char *const names[] = {"as written", "in one piece", "octet by octet",
                                        "random cuts"};
    struct span said = buf_span(&r->said);
    for (size_t i = from; i < to; i++) {
        const struct talk_step *step = &r->talk->steps[i];
        if (step->kind != TALK_REPLY && step->kind != TALK_EVENT)
            continue;
        if (!matches(&said, step))
            talk_fail(r->talk, step->line,
                      "(%s) expected\n    " SPAN_FMT "\nbut the rest is\n" SPAN_FMT, names[r->cuts],
                      SPAN_ARG(step->text), SPAN_ARG(said));
    }
    if (said.n)
        talk_fail(r->talk, to > from ? r->talk->steps[to - 1].line : 0,
                  "(%s) not expected:\n" SPAN_FMT, names[r->cuts], SPAN_ARG(said));
    buf_reset(&r->said);
}

/* ---- running ---- */

static bool is_expectation(enum talk_kind kind)
{
    return kind == TALK_REPLY || kind == TALK_EVENT || kind == TALK_ANSWER;
}

static void act(struct run *r, const struct talk_step *step)
{
    if (step->kind == TALK_TLS)
        smtp_server_tls_done(r->machine);
    else if (step->kind == TALK_REFUSE)
        smtp_server_refuse(r->machine, &step->reply);
    else
        smtp_server_terminate(r->machine, &step->reply);
    handle_all(r);
}

/* One exchange: all input from step `from` up to `to`, then all expectations there. */
static void exchange(struct run *r, size_t from, size_t to)
{
    struct buf input = BUF_INIT(BUF_UNLIMITED);
    for (size_t i = from; i < to; i++) {
        const struct talk_step *step = &r->talk->steps[i];
        if (step->kind == TALK_CLIENT)
            buf_add(&input, step->text);
        else if (step->kind == TALK_ANSWER && r->cuts == CUTS_AS_WRITTEN)
            r->waiting[r->waiting_count++] = step;
        else if (!is_expectation(step->kind))
            act(r, step);
    }
    feed(r, buf_span(&input));
    buf_done(&input);
    take_output(r);
    if (r->waiting_at < r->waiting_count)
        talk_fail(r->talk, r->waiting[r->waiting_at]->line, "nothing asked for this answer");
    compare(r, from, to);
}

/* Where the exchange that begins at `from` ends: as written, at the next input behind an
 * expectation; otherwise only where something else than input happens. */
static size_t exchange_end(const struct run *r, size_t from)
{
    bool expected = false;
    size_t i = from;
    for (; i < r->talk->count; i++) {
        enum talk_kind kind = r->talk->steps[i].kind;
        bool acts = !is_expectation(kind) && kind != TALK_CLIENT;
        if (i > from && acts)
            break;
        if (expected && r->cuts == CUTS_AS_WRITTEN && (kind == TALK_CLIENT || kind == TALK_ANSWER))
            break;
        expected |= kind == TALK_REPLY || kind == TALK_EVENT;
    }
    return i;
}

static void run(const struct talk *talk, enum cuts cuts, unsigned seed)
{
    struct run *r = calloc(1, sizeof(*r));
    assert(r);
    *r = (struct run){.talk = talk,
                      .cuts = cuts,
                      .seed = seed,
                      .said = BUF_INIT(BUF_UNLIMITED),
                      .content = BUF_INIT(BUF_UNLIMITED),
                      .machine = smtp_server_new(&talk->options)};
    answer_at = 0;
    for (size_t from = 0; from < talk->count;) {
        size_t to = exchange_end(r, from);
        exchange(r, from, to);
        from = to;
    }
    smtp_server_free(r->machine);
    buf_done(&r->said);
    buf_done(&r->content);
    free(r);
}

static void run_file(const char *path)
{
    struct arena arena = ARENA_INIT;
    struct talk talk;
    talk_read(&arena, path, &talk);
    answer_count = 0;
    run(&talk, CUTS_AS_WRITTEN, 0);
    run(&talk, CUTS_EACH_OCTET, 0);
    run(&talk, CUTS_NONE, 0);
    for (unsigned seed = 1; seed <= RANDOM_RUNS; seed++)
        run(&talk, CUTS_RANDOM, seed);
    arena_done(&arena);
}

static int is_talk(const struct dirent *entry)
{
    return span_iends(span_of(entry->d_name), SPAN(".talk"));
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **entries = NULL;
        int count = scandir(argv[i], &entries, is_talk, alphasort);
        if (count < 0) { /* a file */
            run_file(argv[i]);
            total++;
        }
        for (int k = 0; k < count; k++) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", argv[i], entries[k]->d_name);
            free(entries[k]);
            run_file(path);
            total++;
        }
        free(entries);
    }
    printf("%d conversations held\n", total);
    return total > 0 ? 0 : 1;
}
