/* import: another product's configuration as a document, and line by line what became of it. No
 * daemon is needed and nothing is changed; the document goes where output goes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/human.h"
#include "cli/problems.h"
#include "cli/verbs.h"
#include "exchange/case.h"
#include "policy/import_exchange.h"
#include "policy/import_postfix.h"
#include "present/import_json.h"

/* ---- what is shown ---- */

static void say_note(struct command *c, struct buf *out, const struct import_note *n)
{
    static const enum style styles[] = {STYLE_GOOD, STYLE_WARNING, STYLE_BAD};
    if (n->place.file.n)
        clean_add(out, n->place.file);
    if (n->place.file.n && n->place.line)
        buf_addf(out, ":%u", n->place.line);
    buf_add_text(out, n->place.file.n ? ": " : "");
    terminal_add(out, &c->terminal, styles[n->fate], span_of(import_fate_text(n->fate)));
    buf_add_text(out, ": ");
    clean_add(out, n->what);
    if (n->became.n) {
        buf_add_text(out, " -> ");
        clean_add(out, n->became);
    }
    if (n->why.n) {
        buf_add_text(out, "\n    ");
        clean_add(out, n->why);
    }
    buf_add_char(out, '\n');
}

/* On standard error, so that standard output is the document alone. */
static void say_notes(struct command *c, const struct import *im, const struct problems *problems)
{
    struct buf out = BUF_INIT(BUF_UNLIMITED);
    size_t counts[3] = {0};
    for (size_t i = 0; i < im->note_count; i++) {
        counts[im->notes[i].fate]++;
        say_note(c, &out, &im->notes[i]);
    }
    for (size_t i = 0; i < problems->count; i++)
        problem_add_text(&out, "the document", &problems->items[i]);
    buf_addf(&out, "%zu translated, %zu approximated, %zu left out\n", counts[0], counts[1],
             counts[2]);
    fwrite(out.p, 1, out.n, stderr);
    buf_done(&out);
}

static bool write_all(int fd, struct span left)
{
    while (left.n) {
        ssize_t written = write(fd, left.p, left.n);
        if (written <= 0)
            return false;
        left = span_skip(left, (size_t)written);
    }
    return true;
}

/* Never over a file that is there: it may be the document in use. */
static int write_document(struct command *c, struct span yaml)
{
    const char *path = arena_text(&c->arena, options_text(&c->options, "output"));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write_all(fd, yaml);
    int reason = errno;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    if (good)
        return CLI_DONE;
    return command_refusef(c,
                           reason == EEXIST ? "name a file that does not exist yet"
                                            : "name a file in a folder that can be written",
                           "%s cannot be written: %s", path, strerror(reason));
}

static int refuse_document(struct command *c, const struct problems *problems)
{
    const struct problem *first = NULL;
    for (size_t i = 0; i < problems->count && !first; i++)
        if (!problems->items[i].warning)
            first = &problems->items[i];
    return command_refusef(c, "mend it in what is imported, or choose another name by --hostname",
                           "no document can be made: " SPAN_FMT "%s" SPAN_FMT,
                           SPAN_ARG(first ? first->path : SPAN_NONE),
                           first && first->path.n ? ": " : "",
                           SPAN_ARG(first ? first->text : SPAN("it is too much")));
}

static int show(struct command *c, struct import *im)
{
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    bool to_file = options_has(&c->options, "output");
    int code = CLI_DONE;
    if (import_write(im, &yaml, &problems) != OK)
        code = refuse_document(c, &problems);
    if (code == CLI_DONE && to_file)
        code = write_document(c, buf_span(&yaml));
    if (code == CLI_DONE && c->json) {
        json_t *value = import_to_json(im, buf_span(&yaml));
        command_print_json(c, value);
        json_decref(value);
    } else if (code == CLI_DONE) {
        if (!to_file)
            buf_add(&c->out, buf_span(&yaml));
        say_notes(c, im, &problems);
    }
    problems_done(&problems);
    buf_done(&yaml);
    return code;
}

/* ---- Exchange ---- */

static int read_dump(struct command *c, struct exchange_case *exchange, struct span file)
{
    struct buf content = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(BUF_UNLIMITED);
    struct span name = span_eq(file, SPAN("-")) ? SPAN("(standard input)") : file;
    int code = CLI_REFUSED;
    if (command_read_file(c, file, EXCHANGE_INPUT_MAX, &content) == OK)
        code = CLI_DONE;
    if (code == CLI_DONE && exchange_case_read(exchange, name, buf_span(&content), &why) != OK)
        code = command_refusef(c, "hand over the part with the connectors", SPAN_FMT ": " SPAN_FMT,
                               SPAN_ARG(name), SPAN_ARG(buf_span(&why)));
    buf_done(&content);
    buf_done(&why);
    return code;
}

int run_import_exchange(struct command *c)
{
    struct exchange_case *exchange = exchange_case_new();
    struct import im;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span remedy = SPAN_NONE;
    struct import_exchange_wishes wishes = {
        .server = options_text(&c->options, "server"),
        .hostname = options_text(&c->options, "hostname"),
        .mailboxes = options_text(&c->options, "mailboxes"),
    };
    int code = CLI_DONE;
    import_init(&im, &c->arena);
    for (size_t i = 0; code == CLI_DONE && i < command_word_count(c); i++)
        code = read_dump(c, exchange, command_word(c, i));
    if (code == CLI_DONE) {
        exchange_case_finish(exchange);
        if (import_exchange(&im, exchange, &wishes, &why, &remedy) != OK)
            code = command_refuse(c, buf_span(&why), remedy);
        else
            code = show(c, &im);
    }
    buf_done(&why);
    exchange_case_free(exchange);
    return code;
}

/* ---- Postfix ---- */

static bool read_postfix_file(void *context, struct span path, struct arena *arena,
                              struct span *content, struct buf *why)
{
    (void)context;
    struct buf bytes = BUF_INIT(POSTFIX_FILE_MAX);
    FILE *file = fopen(arena_text(arena, path), "re");
    struct stat status;
    bool good = file && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
    for (size_t n = 1; good && n;) {
        char *room = buf_room(&bytes, 4096);
        good = room != NULL;
        n = good ? fread(room, 1, 4096, file) : 0;
        buf_grow(&bytes, n);
    }
    if (file && ferror(file))
        good = false;
    if (!good)
        buf_addf(why, SPAN_FMT " cannot be read: %s", SPAN_ARG(path),
                 file && !ferror(file) ? "it is too large, or no file" : strerror(errno));
    if (file)
        fclose(file);
    if (good)
        *content = arena_copy(arena, buf_span(&bytes));
    buf_done(&bytes);
    return good;
}

int run_import_postfix(struct command *c)
{
    struct import im;
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span remedy = SPAN_NONE, folder = command_word(c, 0);
    char host[256] = "";
    if (gethostname(host, sizeof(host) - 1) != 0 || !strchr(host, '.'))
        host[0] = '\0';
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    struct import_postfix_wishes wishes = {
        .folder = folder,
        .hostname = options_text(&c->options, "hostname"),
        .host = span_of(host),
        .read = read_postfix_file,
    };
    import_init(&im, &c->arena);
    int code = CLI_DONE;
    if (import_postfix(&im, &wishes, &why, &remedy) != OK)
        code = command_refuse(c, buf_span(&why), remedy);
    else
        code = show(c, &im);
    buf_done(&why);
    return code;
}
