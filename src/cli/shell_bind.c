/* Binding of parameters as PowerShell does it, and what cmdlets ask of them. */
#include "base/text.h"
#include "cli/shell_cmdlets.h"

/* ---- the parameters of a cmdlet ---- */

static bool visit_words(const char *words, cmdlet_parameter_fn *visit, void *context)
{
    struct span rest = span_of(words), word;
    while (span_cut(&rest, ' ', &word)) {
        size_t at = span_find(word, '@'), mark = span_find(word, '?');
        int place = at < word.n ? word.p[at + 1] - '0' : -1;
        struct span name = span_head(word, at < mark ? at : mark);
        if (name.n && !visit(context, name, place, mark < word.n))
            return false;
    }
    return true;
}

void cmdlet_parameters(const struct cmdlet *cmdlet, cmdlet_parameter_fn *visit, void *context)
{
    if (!visit_words(cmdlet->parameters, visit, context))
        return;
    for (const struct schema_key *key = (cmdlet->flags & CMDLET_KEYS) ? cmdlet->schema->keys : NULL;
         key && key->name; key++)
        if (key->exchange && !strchr(key->exchange, '-') &&
            !visit(context, span_of(key->exchange), -1, false))
            return;
    if ((cmdlet->flags & CMDLET_SERVER) && !visit_words("Server DomainController", visit, context))
        return;
    if (cmdlet->flags & CMDLET_CHANGES)
        visit_words("WhatIf? Confirm?", visit, context);
}

struct search {
    struct span wanted, found;
    bool is_switch, exact;
    size_t matches;
    struct buf *names;
};

/* A name may stand in the table's text and in the schema: it counts once. */
static bool search_name(void *context, struct span name, int place, bool is_switch)
{
    struct search *search = context;
    (void)place;
    if (!span_istarts(name, search->wanted) || (search->matches && span_ieq(search->found, name)))
        return true;
    search->found = name;
    search->is_switch = is_switch;
    search->matches++;
    buf_addf(search->names, "%s-" SPAN_FMT, search->names->n ? ", " : "", SPAN_ARG(name));
    search->exact = name.n == search->wanted.n;
    return !search->exact;
}

static const char *nearest_parameter(struct shell *s, const struct cmdlet *cmdlet,
                                     struct span wanted);

static bool find_parameter(struct shell *s, const struct cmdlet *cmdlet, struct span wanted,
                           struct search *search)
{
    struct buf names = BUF_INIT(BUF_UNLIMITED);
    *search = (struct search){.wanted = wanted, .names = &names};
    cmdlet_parameters(cmdlet, search_name, search);
    bool found = search->exact || search->matches == 1;
    if (!found && search->matches)
        shell_fail(s, NULL, "-" SPAN_FMT " could be %s", SPAN_ARG(wanted), buf_text(&names));
    else if (!found)
        shell_fail(s, nearest_parameter(s, cmdlet, wanted), "there is no parameter -" SPAN_FMT,
                   SPAN_ARG(wanted));
    buf_done(&names);
    search->names = NULL;
    return found;
}

struct collection {
    struct arena *arena;
    const char *names[128];
    size_t count;
};

static bool collect_name(void *context, struct span name, int place, bool is_switch)
{
    struct collection *c = context;
    (void)place, (void)is_switch;
    if (c->count < COUNT_OF(c->names))
        c->names[c->count++] = arena_text(c->arena, name);
    return true;
}

/* Exchange's parameters that have no key here, with the nearest thing. */
static const struct {
    const char *name, *nearest;
} absent[] = {
    {"ProtocolLoggingLevel", "sessions are in the log: log.level debug; mail in sealpost track"},
    {"DomainSecureEnabled", "name who must come by TLS: -TlsDomainCapabilities DOMAIN"},
    {"TransportRole", "there is one transport service"},
    {"SourceTransportServers", "each server has its own send connectors"},
    {"SmartHostAuthMechanism", "smart hosts are used without authentication"},
    {"AuthenticationCredential", "smart hosts are used without authentication"},
    {"CloudServicesMailEnabled", "headers of hybrid deployments are passed on as they are"},
    {"Comment", "a comment in the document: sealpost config show"},
    {"ErrorAction", "a statement that fails ends the script with 1"},
    {"DoNotRequireSsl", "there is no web server here"},
    {"Instance", "pipe the certificate instead"},
    {"Encoding", "files are written in UTF-8"},
    {"Depth", "objects are written whole"},
};

static const char *nearest_parameter(struct shell *s, const struct cmdlet *cmdlet,
                                     struct span wanted)
{
    for (size_t i = 0; i < COUNT_OF(absent); i++)
        if (span_ieq(wanted, span_of(absent[i].name)))
            return absent[i].nearest;
    struct collection c = {.arena = s->arena};
    cmdlet_parameters(cmdlet, collect_name, &c);
    const char *near = options_nearest(arena_text(s->arena, wanted), c.names, c.count);
    return near ? arena_printf(s->arena, "did you mean -%s?", near).p
                : arena_printf(s->arena, "Get-Help %s lists them", cmdlet->name).p;
}

/* ---- binding ---- */

static bool bind(struct cmdlet_call *call, struct span name, struct shell_value *value)
{
    for (size_t i = 0; i < call->count; i++)
        if (span_eq(call->arguments[i].name, name))
            return shell_fail(call->s, NULL, "-" SPAN_FMT " is given twice", SPAN_ARG(name));
    if (call->count == CMDLET_ARGUMENTS_MAX)
        return shell_fail(call->s, NULL, "too many parameters");
    call->arguments[call->count++] = (struct cmdlet_argument){name, value};
    return true;
}

static bool bind_named(struct cmdlet_call *call, const struct powershell_node *node,
                       struct shell_list *places)
{
    struct shell *s = call->s;
    struct search search;
    if (!find_parameter(s, call->cmdlet, node->text, &search))
        return false;
    struct shell_value *value = node->left ? shell_eval(s, node->left) : NULL;
    if (node->left && !value)
        return false;
    if (search.is_switch && !node->bound) {
        if (value) /* it stands behind a switch and is not its value */
            shell_list_add(s->arena, places, value);
        return bind(call, search.found, shell_bool(s->arena, true));
    }
    if (!value)
        return shell_fail(s, NULL, "-" SPAN_FMT " has no value", SPAN_ARG(search.found));
    return bind(call, search.found, value);
}

struct placing {
    struct cmdlet_call *call;
    int place;
    struct span name;
};

static bool find_place(void *context, struct span name, int place, bool is_switch)
{
    struct placing *placing = context;
    (void)is_switch;
    if (place == placing->place)
        placing->name = name;
    return placing->name.n == 0;
}

static bool is_bound(const struct cmdlet_call *call, struct span name)
{
    for (size_t i = 0; i < call->count; i++)
        if (span_eq(call->arguments[i].name, name))
            return true;
    return false;
}

static bool bind_places(struct cmdlet_call *call, const struct shell_list *places)
{
    int place = 0;
    for (size_t i = 0; i < places->count; i++) {
        struct placing placing = {.call = call};
        do {
            placing.place = place++;
            placing.name = SPAN_NONE;
            cmdlet_parameters(call->cmdlet, find_place, &placing);
        } while (placing.name.n && is_bound(call, placing.name));
        if (!placing.name.n)
            return shell_fail(call->s, NULL, "it is not clear what \"" SPAN_FMT "\" is for",
                              SPAN_ARG(shell_text_of(call->s->arena, places->items[i])));
        if (!bind(call, placing.name, places->items[i]))
            return false;
    }
    return true;
}

/* Only this server can be meant: by its first label, its whole name, "localhost" or ".". */
static bool is_this_server(struct shell *s, struct span wanted)
{
    if (span_ieq(wanted, SPAN("localhost")) || span_eq(wanted, SPAN(".")))
        return true;
    struct span own = shell_server_name(s);
    if (own.n == 0)
        return false;
    if (span_ieq(wanted, own) || span_ieq(wanted, s->hostname))
        return true;
    return shell_fail(s, "run sealpost shell on the other one",
                      SPAN_FMT
                      " is another server; this shell administers only this one, " SPAN_FMT,
                      SPAN_ARG(wanted), SPAN_ARG(s->hostname));
}

static bool check_server(struct cmdlet_call *call)
{
    static const char *const names[] = {"Server", "DomainController"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct span wanted = cmdlet_text(call, names[i]);
        if (wanted.n && !is_this_server(call->s, wanted))
            return false;
    }
    return true;
}

bool cmdlet_local(struct shell *s, struct span identity, struct span *name)
{
    size_t slash = span_find(identity, '\\');
    *name = slash < identity.n ? span_skip(identity, slash + 1) : identity;
    return slash == identity.n || is_this_server(s, span_head(identity, slash));
}

static bool bind_all(struct cmdlet_call *call, const struct powershell_node *node)
{
    struct shell_list places = {0};
    for (const struct powershell_node *item = node->items; item; item = item->next) {
        struct shell_value *value;
        if (item->kind == POWERSHELL_PARAMETER) {
            if (!bind_named(call, item, &places))
                return false;
            continue;
        }
        value = shell_eval(call->s, item);
        if (!value)
            return false;
        shell_list_add(call->s->arena, &places, value);
    }
    return bind_places(call, &places) && check_server(call);
}

static bool run_bound(struct cmdlet_call *call, const struct shell_list *input)
{
    if (!(call->cmdlet->flags & CMDLET_EACH) || !input)
        return call->cmdlet->run(call);
    for (size_t i = 0; i < input->count; i++) {
        call->item = input->items[i];
        if (!call->cmdlet->run(call))
            return false;
    }
    return true;
}

bool cmdlet_run(struct shell *s, const struct powershell_node *node, const struct shell_list *input,
                struct shell_list *out)
{
    const struct powershell_node *before = s->at;
    s->at = node;
    s->yes_to_all = s->no_to_all = false; /* said for the command before */
    struct cmdlet_call call = {
        .s = s, .cmdlet = cmdlet_find(node->text), .input = input, .out = out};
    bool good = call.cmdlet ? bind_all(&call, node) && run_bound(&call, input)
                            : cmdlet_unknown(s, node->text);
    s->at = before;
    return good && !s->failed;
}

/* ---- what cmdlets ask ---- */

struct shell_value *cmdlet_get(const struct cmdlet_call *call, const char *name)
{
    for (size_t i = 0; i < call->count; i++)
        if (span_ieq(call->arguments[i].name, span_of(name)))
            return call->arguments[i].value;
    return NULL;
}

bool cmdlet_switch(const struct cmdlet_call *call, const char *name)
{
    const struct shell_value *value = cmdlet_get(call, name);
    return value && shell_is_true(value);
}

struct span cmdlet_text(const struct cmdlet_call *call, const char *name)
{
    const struct shell_value *value = cmdlet_get(call, name);
    if (value && value->kind == SHELL_NUMBER && value->text.n)
        return value->text;
    return value ? shell_text_of(call->s->arena, value) : SPAN_NONE;
}

bool cmdlet_number(const struct cmdlet_call *call, const char *name, double max, double usual,
                   double *number)
{
    const struct shell_value *value = cmdlet_get(call, name);
    *number = usual;
    if (!value)
        return true;
    if (shell_as_number(value, number) && *number >= 0 && *number <= max && shell_is_whole(*number))
        return true;
    return shell_fail(call->s, NULL, "-%s is a whole number from 0 to %.0f", name, max);
}

void cmdlet_put(const struct cmdlet_call *call, struct shell_value *value)
{
    shell_list_add(call->s->arena, call->out, value);
}

struct span cmdlet_identity(const struct cmdlet_call *call, const char *name)
{
    const char *const names[] = {name, "Identity", "Name"};
    if (cmdlet_get(call, name) || cmdlet_get(call, "Identity"))
        return cmdlet_text(call, cmdlet_get(call, name) ? name : "Identity");
    if (!call->item)
        return SPAN_NONE;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct shell_value *value = shell_get(call->item, span_of(names[i]));
        if (value)
            return shell_text_of(call->s->arena, value);
    }
    return call->item->kind == SHELL_TEXT ? call->item->text : SPAN_NONE;
}
