/* renew_private: what the files of renew share. */
#ifndef SERVICE_RENEW_PRIVATE_H
#define SERVICE_RENEW_PRIVATE_H

#include "base/buf.h"
#include "io/worker.h"
#include "service/renew.h"
#include "service/snapshot.h"

enum { ACME_PATH_MAX = 4096 };

/* ---- the state that survives a restart: DATA/acme/state (renew_state.c) ---- */

struct renew_state {
    char thumbprint[CERT_THUMBPRINT_HEX]; /* of the certificate that it is about; empty: none */
    uint64_t configuration; /* of the document's acme keys: other ones deserve a fresh start */
    int64_t last_ms;        /* the last attempt; 0: none */
    unsigned failures;      /* since the last success */
    bool has_window;        /* ARI */
    int64_t window_start_ms, window_end_ms, ari_next_ms;
    struct buf last_error;
};

/* A file that is missing or damaged gives a fresh state. */
void renew_state_load(const char *data_directory, struct renew_state *state);
void renew_state_save(const char *data_directory, const struct renew_state *state);
void renew_state_done(struct renew_state *state);
uint64_t renew_configuration(const struct acme_conf *conf);
/* FNV-1a, for names of files and to see a change; nobody hostile chooses the text. */
uint64_t renew_hash(uint64_t before, struct span text);
/* Whether the certificate is for this name of the document; a wildcard only by itself. */
bool renew_covers(const struct certificate *c, struct span name);

/* Whole files in folders of ours, mode `mode`, folders 0700. */
enum err renew_file_write(const char *path, unsigned mode, struct span text) MUST_USE;
enum err renew_folder(const char *path) MUST_USE;

/* ---- challenges (renew_challenge.c) ---- */

struct challenge;

/* Writes the hook program for uacme and, for http-01, listens. */
enum err challenge_open(struct world *world, const struct acme_conf *conf,
                        struct challenge **challenge, struct buf *why) MUST_USE;
const char *challenge_hook(const struct challenge *challenge);
void challenge_close(struct challenge *challenge);

/* ---- one attempt (renew_attempt.c) ---- */

struct attempt;

struct attempt_end {
    enum err err;
    struct span thumbprint; /* of the new certificate; empty: there is none */
    struct span why;        /* of a failure */
    struct span remedy;     /* may be empty */
};

/* The attempt is freed after the function returns. */
typedef void attempt_fn(void *context, const struct attempt_end *end);

/* snapshot: in force, kept by the attempt; current: what is renewed, of the snapshot, or NULL. */
struct attempt *attempt_start(struct world *world, struct snapshot *snapshot,
                              const struct certificate *current, attempt_fn *fn, void *context);
/* Whether one that the plan refused before is kept, and would be tried instead of a new one. */
bool attempt_has_waiting(struct world *world, const struct acme_conf *conf,
                         const struct certificate *current);
/* fn is not called. What is already being put in force goes on by itself. */
void attempt_stop(struct attempt *attempt);

/* ---- ARI (renew_ari.c) ---- */

struct ari;

struct ari_end {
    bool has_window;
    int64_t window_start_ms, window_end_ms;
    int64_t retry_after_s; /* -1: not given */
    bool answered;         /* the authority has said what there is; otherwise the last one stays */
    struct span why;       /* why there is no window */
};

/* The ari is freed after the function returns. */
typedef void ari_fn(void *context, const struct ari_end *end);
/* NULL: the certificate has no identifier there (it names no authority key). */
struct ari *ari_start(struct world *world, struct workers *workers, const struct acme_conf *conf,
                      const struct certificate *certificate, ari_fn *fn, void *context);
/* At the end, around workers_free: see fetch.h. */
void ari_give_up(struct ari *ari);
void ari_free(struct ari *ari);

/* ---- events (renew_report.c) ---- */

void report_started(struct world *world, const struct acme_conf *conf,
                    const struct certificate *current);
void report_renewed(struct world *world, const struct acme_conf *conf, struct span thumbprint,
                    struct span before);
void report_failed(struct world *world, const struct acme_conf *conf, const struct attempt_end *end,
                   const struct certificate *current, int64_t next_ms);
void report_overdue(struct world *world, const struct acme_conf *conf,
                    const struct certificate *current, struct span last_error);

#endif
