/* deliver_maildir: final delivery into a maildir, on a worker thread. A message is written to tmp/,
 * flushed, renamed into new/, and the folder is flushed, before the recipient counts as delivered.
 * Lines end with LF there, as every reader of maildirs expects; BINARYMIME content is kept as it
 * is. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "mail/trace.h"
#include "service/deliver_private.h"

enum { PIECE = 64 * 1024, PATH_MAX_OCTETS = 4000 };

struct maildir_work {
    struct job *job;
    struct hop *hop;
    struct snapshot *snapshot;
    const struct send_connector *connector;
};

/* What a local part or domain may contribute to a path: no separators, no hidden or upper folders.
 */
static void add_safe(struct buf *path, struct span part)
{
    for (size_t i = 0; i < part.n; i++) {
        char c = text_lower(part.p[i]);
        bool safe =
            c != '/' && c != '\\' && (unsigned char)c > 32 && c != 127 && !(c == '.' && i == 0);
        buf_add_char(path, safe ? c : '_');
    }
}

/* %d and %l of the connector's maildir. */
static enum err expand(struct buf *path, struct span pattern, const struct recipient *recipient)
{
    size_t at = span_rfind(recipient->address, '@');
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '%' && i + 1 < pattern.n && pattern.p[i + 1] == 'd')
            add_safe(path, recipient->domain), i++;
        else if (pattern.p[i] == '%' && i + 1 < pattern.n && pattern.p[i + 1] == 'l')
            add_safe(path, span_head(recipient->address, at)), i++;
        else if (buf_add_char(path, pattern.p[i]) != OK)
            return ERR_LIMIT;
    }
    return path->n < PATH_MAX_OCTETS ? OK : ERR_LIMIT;
}

/* Makes the folder and those above it. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
        *slash = '/';
        if (!there)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool make_maildir(const char *path)
{
    static const char *const parts[] = {"tmp", "new", "cur"};
    char folder[PATH_MAX_OCTETS + 8];
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        snprintf(folder, sizeof(folder), "%s/%s", path, parts[i]);
        if (!make_folders(folder))
            return false;
    }
    return true;
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = span_skip(bytes, (size_t)n);
    }
    return true;
}

/* CRLF becomes LF in place; *cr remembers a CR at the end of the piece before. Returns the new
 * length. The buffer has one octet in front for that CR. */
static size_t to_lf(char *p, size_t n, bool *cr)
{
    size_t to = 0, from = 1;
    if (*cr)
        p[to++] = '\r';
    *cr = false;
    for (; from < n + 1; from++) {
        if (p[from] == '\n' && to > 0 && p[to - 1] == '\r')
            to--;
        p[to++] = p[from];
    }
    if (to > 0 && p[to - 1] == '\r') {
        *cr = true;
        to--;
    }
    return to;
}

static bool write_content(int fd, struct queued_message *message)
{
    char *piece = malloc(PIECE + 1);
    if (!piece)
        abort();
    bool lf = message->envelope.body != BODY_BINARYMIME, cr = false, ok = true;
    uint64_t offset = 0;
    ssize_t n = 0;
    while (ok && (n = queued_message_read(message, offset, piece + 1, PIECE)) > 0) {
        offset += (uint64_t)n;
        size_t length = lf ? to_lf(piece, (size_t)n, &cr) : (size_t)n;
        ok = write_all(fd, span_make(lf ? piece : piece + 1, length));
    }
    if (ok && cr)
        ok = write_all(fd, SPAN("\r"));
    if (ok && offset < message->envelope.size) {
        errno = n < 0 ? errno : EIO;
        ok = false;
    }
    free(piece);
    return ok;
}

static bool write_message(int fd, struct queued_message *message, const struct recipient *recipient)
{
    struct buf head = BUF_INIT(8192);
    trace_add_return_path(&head, message->envelope.reverse_path);
    buf_addf(&head, "Delivered-To: " SPAN_FMT "\r\n", SPAN_ARG(recipient->address));
    bool cr = false;
    buf_room(&head, 1);
    memmove(head.p + 1, head.p, head.n);
    size_t n = to_lf(head.p, head.n, &cr);
    bool ok = write_all(fd, span_make(head.p, n)) && write_content(fd, message) && fsync(fd) == 0;
    buf_done(&head);
    return ok;
}

static bool flush_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Names are unique by message and recipient, so a repeated delivery replaces its own first one. */
static bool deliver_to(const char *maildir, struct queued_message *message,
                       const struct queued_recipient *r)
{
    char id[MESSAGE_ID_TEXT], temporary[PATH_MAX_OCTETS + 96], final[PATH_MAX_OCTETS + 96],
        folder[PATH_MAX_OCTETS + 8];
    message_id_format(message->envelope.id, id);
    snprintf(temporary, sizeof(temporary), "%s/tmp/%s.%u", maildir, id, r->number);
    snprintf(final, sizeof(final), "%s/new/%lld.%s.%u", maildir,
             (long long)(message->envelope.received_ms / SECOND_MS), id, r->number);
    snprintf(folder, sizeof(folder), "%s/new", maildir);
    if (!make_maildir(maildir))
        return false;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool ok = write_message(fd, message, &r->recipient);
    ok = close(fd) == 0 && ok;
    ok = ok && rename(temporary, final) == 0 && flush_folder(folder);
    if (!ok) {
        int why = errno;
        unlink(temporary);
        errno = why;
    }
    return ok;
}

static void deliver_recipient(struct maildir_work *w, size_t i)
{
    struct job *job = w->job;
    const struct queued_recipient *r = job->recipients[i].queued;
    struct buf path = BUF_INIT(2 * PATH_MAX_OCTETS);
    struct outcome outcome;
    if (expand(&path, w->connector->maildir, &r->recipient) != OK)
        outcome = outcome_local(&job->arena, FATE_NEVER, CONCERN_RECIPIENT, 550, "5.1.1",
                                "The address is too long for a mailbox");
    else if (deliver_to(buf_text(&path), job->message, r))
        outcome = outcome_local(&job->arena, FATE_DELIVERED, CONCERN_RECIPIENT, 250, "2.0.0",
                                "Delivered to %s", buf_text(&path));
    else
        outcome =
            outcome_local(&job->arena, FATE_LATER,
                          errno == ENOSPC || errno == EDQUOT || errno == EACCES ? CONCERN_NEXT_HOP
                                                                                : CONCERN_RECIPIENT,
                          451, errno == ENOSPC || errno == EDQUOT ? "4.2.2" : "4.3.0",
                          "Cannot write to maildir %s: %s", buf_text(&path), strerror(errno));
    buf_done(&path);
    job_set_outcome(job, i, &outcome);
}

static void work(void *context)
{
    struct maildir_work *w = context;
    for (size_t i = 0; i < w->job->count; i++)
        deliver_recipient(w, i);
}

static void end(struct maildir_work *w)
{
    struct hop *hop = w->hop;
    snapshot_release(w->snapshot);
    free(w);
    hop->pending_count++;
    hop_connection_ended(hop);
    hop_run(hop);
    hop->pending_count--;
    hop_settle(hop);
}

static void on_done(void *context)
{
    struct maildir_work *w = context;
    const struct outcome *failure = NULL;
    for (size_t i = 0; i < w->job->count; i++)
        if (w->job->recipients[i].outcome.fate == FATE_LATER &&
            w->job->recipients[i].outcome.concern == CONCERN_NEXT_HOP)
            failure = &w->job->recipients[i].outcome;
    if (failure)
        hop_failed(w->hop, failure);
    else
        hop_succeeded(w->hop);
    job_report(w->job);
    end(w);
}

static void on_fetched(void *context, struct job *job)
{
    struct maildir_work *w = context;
    workers_run(job->deliver->workers, work, on_done, job->deliver->loop, w);
}

static void on_empty(void *context, struct job *job)
{
    (void)job;
    end(context);
}

void maildir_start(struct hop *hop)
{
    struct maildir_work *w = calloc(1, sizeof(*w));
    if (!w)
        abort();
    w->hop = hop;
    w->snapshot = snapshot_keep(hop->deliver->snapshot);
    w->connector = hop->connector;
    w->job = job_take(hop, hop->connector->max_recipients_per_message, on_fetched, on_empty, w);
}
