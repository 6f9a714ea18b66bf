/* cert import, complete, new, enable, disable, set, remove, renew, export. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/num.h"
#include "cert/bundle.h"
#include "cli/answer.h"
#include "cli/changes.h"
#include "cli/client.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"

/* ---- import ---- */

static void set_text(json_t *body, const char *key, struct span text)
{
    json_object_set_new(body, key, json_stringn_nocheck(text.p ? text.p : "", text.n));
}

/* Several PEM files are taken as one. */
static int read_files(struct command *c, struct buf *bytes)
{
    for (size_t i = 0; i < command_word_count(c); i++) {
        struct buf one = BUF_INIT(BUF_UNLIMITED);
        enum err err = command_read_file(c, command_word(c, i), BUNDLE_MAX, &one);
        if (err == OK && i)
            buf_add_char(bytes, '\n'); /* files need not end with one */
        if (err == OK)
            buf_add(bytes, buf_span(&one));
        passphrase_done(&one);
        if (err != OK)
            return CLI_REFUSED;
    }
    return CLI_DONE;
}

/* The same reader as the daemon's says at once whether a passphrase is missing. */
static bool needs_passphrase(struct span bytes, struct span passphrase)
{
    struct bundle *bundle = NULL;
    struct buf why = BUF_INIT(1024);
    enum err err = bundle_read(bytes, passphrase, &bundle, &why);
    bundle_free(bundle);
    buf_done(&why);
    return err == ERR_DENIED;
}

static int send_import(struct command *c, struct span bytes, struct span passphrase)
{
    bool completes = strcmp(c->verb->action, "complete") == 0;
    struct buf target, data = BUF_INIT(BUF_UNLIMITED);
    json_t *answer = NULL, *body = json_object();
    encode_base64(&data, bytes);
    set_text(body, "data", buf_span(&data));
    if (passphrase.n)
        set_text(body, "passphrase", passphrase);
    if (completes)
        json_object_set_new(body, "completes", json_true());
    changes_set_list(c, body, "services", "services");
    changes_set_text(c, body, "friendly-name", "friendly-name");
    changes_set_text(c, body, "notes", "notes");
    client_target(&target, "/v1/certificates");
    changes_add_query(c, &target);
    passphrase_done(&data);
    int code = client_send(c, "POST", &target, body, &answer);
    return changes_say(c, code, answer, "imported");
}

int run_cert_import(struct command *c)
{
    struct buf bytes = BUF_INIT(BUF_UNLIMITED), passphrase = BUF_INIT(PASSPHRASE_MAX);
    int code = read_files(c, &bytes);
    if (code == CLI_DONE && passphrase_read_file(c, &passphrase) != OK)
        code = CLI_REFUSED;
    if (code == CLI_DONE && needs_passphrase(buf_span(&bytes), buf_span(&passphrase)) &&
        !options_has(&c->options, "passphrase-file") &&
        passphrase_read(c, false, &passphrase) != OK)
        code = CLI_REFUSED;
    if (code == CLI_DONE)
        code = send_import(c, buf_span(&bytes), buf_span(&passphrase));
    passphrase_done(&bytes);
    passphrase_done(&passphrase);
    return code;
}

/* ---- new ---- */

int run_cert_new(struct command *c)
{
    struct buf target;
    uint64_t days = 0;
    json_t *answer = NULL, *body = json_object(), *names = json_array();
    if (command_count(c, "days", 36500, &days) != OK) {
        json_decref(body);
        json_decref(names);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < command_word_count(c); i++)
        json_array_append_new(names, json_stringn(command_word(c, i).p, command_word(c, i).n));
    json_object_set_new(body, "names", names);
    if (days)
        json_object_set_new(body, "days", json_integer((json_int_t)days));
    changes_set_list(c, body, "services", "services");
    changes_set_text(c, body, "friendly-name", "friendly-name");
    changes_set_text(c, body, "notes", "notes");
    client_target(&target, "/v1/certificates/self-signed");
    changes_add_query(c, &target);
    int code = client_send(c, "POST", &target, body, &answer);
    return changes_say(c, code, answer, "made and stored");
}

/* ---- services, names, removal ---- */

static void target_of(struct command *c, struct buf *target)
{
    client_target(target, "/v1/certificates");
    client_add_part(target, command_word(c, 0));
    changes_add_query(c, target);
}

/* enable, disable: SMTP unless --services says otherwise. */
int run_cert_services(struct command *c)
{
    struct buf target;
    bool enables = strcmp(c->verb->action, "enable") == 0;
    json_t *answer = NULL, *body = json_object();
    changes_set_list(c, body, c->verb->action, "services");
    if (json_object_size(body) == 0)
        json_object_set_new(body, c->verb->action, json_pack("[s]", "smtp"));
    target_of(c, &target);
    int code = client_send(c, "PATCH", &target, body, &answer);
    return changes_say(c, code, answer, enables ? "enabled" : "disabled");
}

int run_cert_set(struct command *c)
{
    struct buf target;
    json_t *answer = NULL, *body = json_object();
    changes_set_list(c, body, "services", "services");
    changes_set_text(c, body, "friendly-name", "friendly-name");
    changes_set_text(c, body, "notes", "notes");
    if (json_object_size(body) == 0) {
        json_decref(body);
        return command_usage(c, "say what to set: --services, --friendly-name or --notes");
    }
    target_of(c, &target);
    int code = client_send(c, "PATCH", &target, body, &answer);
    return changes_say(c, code, answer, "changed");
}

int run_cert_remove(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    target_of(c, &target);
    struct request request = {.method = "DELETE", .target = &target};
    int code = client_ask(c, &request, &answer);
    buf_done(&target);
    return changes_say(c, code, answer, "removed");
}

/* ---- renewal ---- */

/* ACME renews one certificate; any other goes to its authority as a request. */
static int check_source(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    client_target(&target, "/v1/certificates");
    client_add_part(&target, command_word(c, 0));
    int code = client_get(c, &target, &answer);
    struct span thumbprint = answer_text(answer, "thumbprint");
    if (code == CLI_DONE && !span_eq(answer_text(answer, "source"), SPAN("acme")))
        code = command_refuse(
            c, SPAN("this certificate did not come by ACME"),
            arena_printf(&c->arena,
                         "ask its authority for a new one: sealpost cert request --renew " SPAN_FMT,
                         SPAN_ARG(thumbprint)));
    json_decref(answer);
    return code;
}

int run_cert_renew(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    int code = command_word_count(c) ? check_source(c) : CLI_DONE;
    if (code != CLI_DONE)
        return code;
    client_target(&target, "/v1/certificates/renew");
    client_add_query(&target, "force", options_has(&c->options, "force") ? SPAN("1") : SPAN_NONE);
    code = client_send(c, "POST", &target, NULL, &answer);
    if (code == CLI_DONE && c->json)
        command_print_json(c, answer);
    else if (code == CLI_DONE)
        command_sayf(c, "the renewed certificate is in force");
    json_decref(answer);
    return code;
}

/* ---- export ---- */

static int write_bytes(struct command *c, struct span bytes)
{
    struct span file = options_text(&c->options, "output");
    if (file.n == 0) {
        buf_add(&c->out, bytes);
        return CLI_DONE;
    }
    /* 0600: with PKCS#12 it holds the key */
    int fd = open(arena_text(&c->arena, file), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return command_refusef(c, NULL, SPAN_FMT " cannot be made: %s", SPAN_ARG(file),
                               strerror(errno));
    size_t written = 0;
    ssize_t n = 1;
    while (written < bytes.n && n > 0) {
        n = write(fd, bytes.p + written, bytes.n - written);
        written += n > 0 ? (size_t)n : 0;
    }
    bool complete = written == bytes.n;
    if (close(fd) != 0 || !complete)
        return command_refusef(c, NULL, SPAN_FMT " cannot be written", SPAN_ARG(file));
    return CLI_DONE;
}

static int write_answer(struct command *c, const json_t *answer)
{
    struct span data = answer_text(answer, "data");
    struct buf bytes = BUF_INIT(BUNDLE_MAX);
    int code;
    if (c->json) {
        command_print_json(c, answer);
        return CLI_DONE;
    }
    if (span_eq(answer_text(answer, "form"), SPAN("pem")))
        return write_bytes(c, data);
    if (decode_base64(&bytes, data) != OK)
        code = command_refusef(c, NULL, "the daemon's answer is no base64");
    else
        code = write_bytes(c, buf_span(&bytes));
    passphrase_done(&bytes);
    return code;
}

static int ask_pkcs12(struct command *c, struct buf *target, json_t **answer)
{
    struct buf passphrase = BUF_INIT(PASSPHRASE_MAX);
    int code = CLI_REFUSED;
    if (!options_has(&c->options, "output") && c->terminal.is_terminal && !c->json) {
        buf_done(target);
        return command_usage(c, "PKCS#12 is no text: name a file with --output");
    }
    if (passphrase_read(c, true, &passphrase) == OK) {
        json_t *body = json_object();
        set_text(body, "passphrase", buf_span(&passphrase));
        code = client_send(c, "POST", target, body, answer);
    } else {
        buf_done(target);
    }
    passphrase_done(&passphrase);
    return code;
}

int run_cert_export(struct command *c)
{
    struct buf target;
    json_t *answer = NULL;
    client_target(&target, "/v1/certificates");
    client_add_part(&target, command_word(c, 0));
    buf_add_text(&target, "/export");
    int code = options_has(&c->options, "pkcs12") ? ask_pkcs12(c, &target, &answer)
                                                  : client_get(c, &target, &answer);
    if (code == CLI_DONE)
        code = write_answer(c, answer);
    json_decref(answer);
    return code;
}
