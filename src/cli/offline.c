#include "cli/offline.h"

#include <errno.h>
#include <unistd.h>

#include "cert/chain.h"
#include "cli/client.h"
#include "cli/problems.h"
#include "io/trust.h"

static struct span certificate_folder(struct command *c)
{
    return arena_printf(&c->arena, SPAN_FMT "/certificates", SPAN_ARG(c->data));
}

bool offline_is_wished(struct command *c)
{
    if (options_has(&c->options, "offline") || options_has(&c->options, "config"))
        return true;
    return !client_is_reachable(c) && access(certificate_folder(c).p, R_OK | X_OK) == 0;
}

static int read_document(struct command *c, struct offline *o)
{
    struct span file = options_text(&c->options, "config");
    struct buf yaml = BUF_INIT(BUF_UNLIMITED);
    struct problems problems = {0};
    int code = CLI_DONE;
    if (!options_has(&c->options, "config"))
        return CLI_DONE;
    if (command_read_file(c, file, DOCUMENT_BYTES_MAX, &yaml) != OK)
        code = CLI_REFUSED;
    else if (document_parse(buf_span(&yaml), &problems, &o->document) != OK)
        code = command_refusef(c, "sealpost check names them", SPAN_FMT " has %zu errors",
                               SPAN_ARG(file), problems.errors);
    problems_done(&problems);
    buf_done(&yaml);
    return code;
}

int offline_open(struct command *c, int64_t at_ms, struct offline *o)
{
    *o = (struct offline){0};
    int code = read_document(c, o);
    if (code != CLI_DONE)
        return code;
    struct span folder = certificate_folder(c);
    if (access(folder.p, R_OK | X_OK) != 0 &&
        !(o->document && o->document->certificates.directory.n))
        return command_refusef(c, "name the daemon's data folder: --data DIR",
                               "%s cannot be read: %s", folder.p, strerror(errno));
    o->set = certificates_load(arena_text(&c->arena, c->data),
                               o->document ? o->document->certificates.directory : SPAN_NONE);
    struct certificate_set *kept = certificates_kept(arena_text(&c->arena, c->data));
    certificates_carry_over(o->set, kept);
    certificate_set_release(kept);
    struct candidate *candidates = ARENA_ARRAY(&c->arena, struct candidate, o->set->count);
    for (size_t i = 0; i < o->set->count; i++)
        candidates[i] = (struct candidate){
            o->set->items[i], certificate_chain_state(o->set->items[i], trust_system_roots())};
    struct plan_state state = {o->document, candidates, o->set->count};
    o->view = view_make(&c->arena, &state, o->set, at_ms);
    return CLI_DONE;
}

int offline_needs_document(struct command *c, const struct offline *o)
{
    return o->document ? CLI_DONE
                       : command_usage(c, "without a daemon, name the document: --config FILE");
}

void offline_close(struct offline *o)
{
    certificate_set_release(o->set);
    if (o->document)
        document_free(o->document);
}
