/* Files and the clock. */
#include "base/clock.h"
#include "policy/diagnosis.h"
#include "policy/remedy.h"

static void judge_mode(struct diagnosis *d, const struct file_fact *file)
{
    struct span word = remedy_word(d->arena, file->path);
    findings_add(d->findings,
                 &(struct finding){
                     .event = EVENT_KEY_FILE_READABLE,
                     .name = SPAN("key-file-readable"),
                     .severity = FINDING_RED,
                     .subject = file->path,
                     .cause = SPAN("others than the service can read a private key"),
                     .evidence = arena_printf(d->arena, "mode %04o", file->mode & 07777),
                     .consequence = SPAN("whoever has read it can pose as this server"),
                     .remedy = arena_printf(d->arena, "chmod 600 " SPAN_FMT, SPAN_ARG(word)),
                     .safe_fix = true,
                 });
}

void diagnose_files(struct diagnosis *d)
{
    for (size_t i = 0; i < d->facts->file_count; i++) {
        const struct file_fact *file = &d->facts->files[i];
        if (file->mode)
            judge_mode(d, file);
        if (file->fault.n == 0)
            continue;
        findings_add(
            d->findings,
            &(struct finding){
                .event = EVENT_CERTIFICATE_FILE,
                .name = SPAN("certificate-file-unusable"),
                .severity = FINDING_YELLOW,
                .subject = file->path,
                .cause = file->fault,
                .evidence = file->path,
                .consequence = SPAN("its certificate is not presented; what was in force "
                                    "before goes on"),
                .remedy = arena_printf(d->arena, "openssl x509 -noout -subject -in " SPAN_FMT,
                                       SPAN_ARG(remedy_word(d->arena, file->path))),
            });
    }
}

void diagnose_clock(struct diagnosis *d)
{
    const struct diagnose_facts *facts = d->facts;
    if (facts->now_ms >= facts->newest_not_before_ms)
        return;
    struct buf text = BUF_INIT(BUF_UNLIMITED);
    buf_add_text(&text, "it says ");
    clock_add_iso(&text, facts->now_ms);
    buf_add_text(&text, "; the newest certificate is valid from ");
    clock_add_iso(&text, facts->newest_not_before_ms);
    findings_add(d->findings,
                 &(struct finding){
                     .event = EVENT_CLOCK,
                     .name = SPAN("clock-behind"),
                     .severity = FINDING_YELLOW,
                     .subject = SPAN("clock"),
                     .cause = SPAN("a certificate is valid from a later time than the clock's: the "
                                   "clock is behind, or the certificate was made ahead"),
                     .evidence = buf_span(&text),
                     .consequence = SPAN("certificates count as not yet valid, and expired ones as "
                                         "valid"),
                     .remedy = SPAN("timedatectl set-ntp true"),
                 });
    buf_done(&text);
}
