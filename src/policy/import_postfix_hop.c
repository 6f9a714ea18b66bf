/* One next hop: who delivers, to which hosts, under which TLS. */
#include "base/num.h"
#include "policy/import_postfix_route.h"

static const char by_address[] =
    "the addresses of the host are used, not its MX records, which Postfix asks for where a name "
    "stands without brackets";

/* ---- which transport ---- */

static const struct postfix_service *transport_service(const struct routes *r, struct span name)
{
    const struct postfix_conf *conf = &r->pi->conf;
    for (size_t i = 0; i < conf->service_count; i++)
        if (span_eq(conf->services[i].name, name) && !span_eq(conf->services[i].type, SPAN("inet")))
            return &conf->services[i];
    return NULL;
}

static bool is_any(struct span word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_eq(word, span_of(words[i])))
            return true;
    return false;
}

static bool local_hop(struct routes *r, struct hop *hop)
{
    struct postfix_import *pi = r->pi;
    struct span home = postfix_value(pi, NULL, "home_mailbox");
    struct span spool = postfix_value(pi, NULL, "mail_spool_directory");
    hop->deliver_by = "maildir";
    hop->why = "mailboxes are maildirs of the local part; aliases, .forward files and the users' "
               "own rights are not followed";
    if (postfix_value(pi, NULL, "mailbox_command").n)
        hop->why = "mailbox_command is not run: let an LMTP server deliver (mailbox_transport)";
    else if (span_iends(home, SPAN("/")))
        hop->maildir = arena_printf(pi->im->arena, "/home/%%l/" SPAN_FMT,
                                    SPAN_ARG(span_head(home, home.n - 1)));
    else if (span_iends(spool, SPAN("/")))
        hop->maildir = arena_printf(pi->im->arena, SPAN_FMT "%%l", SPAN_ARG(spool));
    else
        hop->why = "mailboxes in mbox format are not written: let an LMTP server deliver, or write "
                   "deliver-by: maildir";
    return hop->maildir.n > 0;
}

static bool virtual_hop(struct routes *r, struct hop *hop)
{
    struct span base = postfix_value(r->pi, NULL, "virtual_mailbox_base");
    hop->deliver_by = "maildir";
    hop->why = "each mailbox is the maildir domain/user below virtual_mailbox_base, whatever "
               "virtual_mailbox_maps says; all of them belong to the daemon's user";
    if (base.n == 0)
        hop->why = "virtual_mailbox_base is not set, so there is no place for mailboxes";
    else
        hop->maildir = arena_printf(r->pi->im->arena, SPAN_FMT "/%%d/%%l", SPAN_ARG(base));
    return hop->maildir.n > 0;
}

/* "[host]:port", "host", for LMTP "unix:private/name" and "inet:host:port". */
static bool lmtp_hop(struct routes *r, struct hop *hop, struct span next)
{
    hop->deliver_by = "lmtp";
    if (span_starts(next, SPAN("unix:"))) {
        struct span path = span_skip(next, 5);
        struct span queue = postfix_value(r->pi, NULL, "queue_directory");
        hop->hosts = span_starts(path, SPAN("/"))
                         ? path
                         : arena_printf(r->pi->im->arena, SPAN_FMT "/" SPAN_FMT, SPAN_ARG(queue),
                                        SPAN_ARG(path));
        return true;
    }
    hop->hosts = span_starts(next, SPAN("inet:")) ? span_skip(next, 5) : next;
    hop->why = hop->hosts.n ? NULL : "no host is named";
    return hop->hosts.n > 0;
}

static const struct postfix_item *policy_at(const struct routes *r, struct span key)
{
    for (size_t i = 0; i < r->policies.count; i++)
        if (span_ieq(r->policies.items[i].text, key))
            return &r->policies.items[i];
    return NULL;
}

/* Of the next hop as it is written, else of a domain that it is below (".example.com"). */
static struct span policy_for(const struct routes *r, struct span key)
{
    struct span name = span_trim(key);
    if (span_starts(name, SPAN("*")))
        name = span_skip(name, 1);
    const struct postfix_item *policy = name.n ? policy_at(r, name) : NULL;
    for (size_t i = 1; !policy && i < name.n && name.p[0] != '['; i++)
        if (name.p[i] == '.')
            policy = policy_at(r, span_skip(name, i));
    return policy ? policy->value : SPAN_NONE;
}

static bool smtp_hop(struct routes *r, struct hop *hop, struct span next, struct span space)
{
    hop->hosts = next;
    hop->deliver_by = next.n ? "smart-host" : "mx";
    hop->policy = policy_for(r, next.n ? next : space);
    struct span rest = next, word;
    while (postfix_word(&rest, true, &word))
        if (word.p[0] != '[')
            hop->why = by_address;
    return true;
}

bool hop_of(struct routes *r, struct route *route)
{
    static const char *const refusing[] = {"error", "retry", "discard"};
    struct span spec = route->spec;
    size_t colon = span_find(spec, ':');
    struct span name = span_head(spec, colon), next = span_trim(span_skip(spec, colon + 1));
    if (name.n == 0)
        name = span_head(r->fallback, span_find(r->fallback, ':'));
    /* ":" alone changes neither transport nor next hop. */
    if (colon == 0 && next.n == 0)
        next = span_skip(r->fallback, span_find(r->fallback, ':') + 1);
    const struct postfix_service *service = transport_service(r, name);
    struct span command = service ? service->command : name;
    struct hop *hop = &route->hop;
    *hop = (struct hop){.service = service && service->override_count ? service : NULL};
    if (span_eq(command, SPAN("relay")))
        command = SPAN("smtp");
    if (is_any(command, refusing, COUNT_OF(refusing))) {
        hop->refuses = true;
        hop->why = "refused with 550 5.4.4, as no send connector takes it";
        return false;
    }
    if (span_eq(command, SPAN("local")))
        return local_hop(r, hop);
    if (span_eq(command, SPAN("virtual")))
        return virtual_hop(r, hop);
    if (span_eq(command, SPAN("lmtp")))
        return lmtp_hop(r, hop, next);
    if (span_eq(command, SPAN("smtp")))
        return smtp_hop(r, hop, next, route->space);
    hop->why = "programs are not run (pipe, spawn and the like): let it listen to SMTP or LMTP";
    return false;
}

struct span hop_name(const struct route *route)
{
    const struct hop *hop = &route->hop;
    bool everything = span_eq(route->space, SPAN("*"));
    struct span host = hop->hosts;
    if (everything)
        return hop->hosts.n ? SPAN("relayhost") : SPAN("internet");
    if (hop->maildir.n || span_eq(span_of(hop->deliver_by), SPAN("lmtp")))
        return SPAN("mailboxes");
    if (host.n == 0)
        return route->space;
    if (host.p[0] == '[')
        host = span_skip(host, 1);
    size_t end = 0;
    while (end < host.n && !strchr("]:, ", host.p[end]))
        end++;
    return span_head(host, end);
}

/* ---- hosts ---- */

static struct span port_number(struct span name)
{
    if (span_eq(name, SPAN("submission")))
        return SPAN("587");
    if (span_eq(name, SPAN("smtps")) || span_eq(name, SPAN("submissions")))
        return SPAN("465");
    if (span_eq(name, SPAN("smtp")))
        return SPAN("25");
    return span_eq(name, SPAN("lmtp")) ? SPAN("24") : name;
}

/* "[mail.example.com]:submission" as "mail.example.com:587"; addresses keep their brackets. */
static struct span smart_host(struct arena *arena, struct span text)
{
    struct span host, port;
    struct ip ip;
    if (span_starts(text, SPAN("/")))
        return text;
    if (text.p[0] == '[') {
        size_t end = span_find(text, ']');
        host = span_make(text.p + 1, end - 1);
        port = span_skip(text, end + 1);
    } else {
        host = span_head(text, span_rfind(text, ':'));
        port = span_skip(text, host.n);
    }
    if (span_starts(port, SPAN(":")))
        port = port_number(span_skip(port, 1));
    if (span_istarts(host, SPAN("IPv6:")))
        host = span_skip(host, 5);
    bool literal = ip_parse(host, &ip) == OK;
    return arena_printf(arena, "%s" SPAN_FMT "%s%s" SPAN_FMT, literal ? "[" : "", SPAN_ARG(host),
                        literal ? "]" : "", port.n ? ":" : "", SPAN_ARG(port));
}

static void set_hosts(struct routes *r, const struct hop *hop, struct import_path at)
{
    struct span rest = hop->hosts, word;
    struct span *hosts = ARENA_ARRAY(r->pi->im->arena, struct span, hop->hosts.n + 1);
    size_t count = 0;
    while (postfix_word(&rest, true, &word))
        hosts[count++] = smart_host(r->pi->im->arena, word);
    if (count)
        import_set_list(r->pi->im, import_path_below(at, "smart-hosts"), hosts, count);
}

/* ---- TLS ---- */

struct tls_level {
    const char *postfix, *tls, *verify, *why;
};
static const struct tls_level levels[] = {
    {"none", "off", NULL, NULL},
    {"may", "opportunistic", NULL, NULL},
    {"encrypt", "required", NULL, NULL},
    {"dane", "opportunistic", NULL,
     "TLSA records are not asked for: encrypted where it is offered"},
    {"dane-only", "required", "name",
     "TLSA records are not asked for: the certificate has to be trusted and to bear the name"},
    {"fingerprint", "required", "name",
     "fingerprints are not compared: the certificate has to be trusted and to bear the name"},
    {"verify", "required", "name", NULL},
    {"secure", "required", "name",
     "the name of the next hop is looked for, where Postfix takes the recipients' domain as well"},
};

static const struct tls_level *find_level(struct span word)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (span_ieq(word, span_of(levels[i].postfix)))
            return &levels[i];
    return NULL;
}

/* "secure match=mail.example.com protocols=..." */
static struct span matched_name(struct span policy)
{
    struct span word, name = SPAN_NONE;
    while (postfix_word(&policy, true, &word))
        if (span_starts(word, SPAN("match=")))
            name = span_skip(word, 6);
    bool plain = name.n && span_find(name, ':') == name.n && span_find(name, '.') < name.n;
    return plain && name.p[0] != '.' && !span_eq(name, SPAN("hostname")) ? name : SPAN_NONE;
}

static void set_tls(struct routes *r, const struct hop *hop, struct import_path at)
{
    struct postfix_import *pi = r->pi;
    struct span policy = hop->policy, word;
    if (policy.n == 0)
        policy = postfix_value(pi, hop->service, "smtp_tls_security_level");
    struct span rest = policy;
    if (!postfix_word(&rest, false, &word))
        word = postfix_is_yes(pi, hop->service, "smtp_enforce_tls") ? SPAN("encrypt")
               : postfix_is_yes(pi, hop->service, "smtp_use_tls")   ? SPAN("may")
                                                                    : SPAN("none");
    const struct tls_level *level = find_level(word);
    if (!level)
        level = find_level(SPAN("encrypt"));
    bool implicit = postfix_is_yes(pi, hop->service, "smtp_tls_wrappermode");
    import_set(pi->im, import_path_below(at, "tls"), span_of(implicit ? "implicit" : level->tls));
    if (!level->verify)
        return;
    struct span match = matched_name(policy), trust = postfix_value(pi, NULL, "smtp_tls_CAfile");
    import_set(pi->im, import_path_below(at, "tls-verify"), span_of(level->verify));
    if (match.n)
        import_set(pi->im, import_path_below(at, "tls-verify-domain"), match);
    if (trust.n)
        import_set(pi->im, import_path_below(at, "tls-trust-file"), trust);
}

static void note_policy(struct routes *r, const struct postfix_item *policy)
{
    struct span value = policy->value, word;
    const struct tls_level *level = postfix_word(&value, false, &word) ? find_level(word) : NULL;
    const char *why = level ? level->why : "the level is not known";
    bool used = false;
    for (size_t i = 0; i < r->count; i++)
        used |= r->items[i].hop.policy.n && r->items[i].hop.policy.p == policy->value.p;
    if (!used)
        why = "no next hop is written like this, so Postfix never asks for it";
    bool left = !used || !level;
    item_note(r->pi,
              left  ? IMPORT_LEFT_OUT
              : why ? IMPORT_APPROXIMATED
                    : IMPORT_TRANSLATED,
              policy, "TLS policy", left ? SPAN_NONE : SPAN("send-connectors.*.tls"), why);
}

static void note_tls(struct routes *r)
{
    struct postfix_import *pi = r->pi;
    struct span word, rest = postfix_value(pi, NULL, "smtp_tls_security_level");
    const struct tls_level *level = postfix_word(&rest, false, &word) ? find_level(word) : NULL;
    parameter_became(pi, "smtp_tls_security_level", "send-connectors.*.tls",
                     level ? level->why : NULL);
    if (!postfix_is_set(pi, "smtp_tls_security_level") && !postfix_is_set(pi, "smtp_use_tls") &&
        !postfix_is_set(pi, "smtp_enforce_tls"))
        import_note(pi->im, (struct import_note){
                                .fate = IMPORT_TRANSLATED,
                                .place = {pi->main_file, 0},
                                .what = SPAN("smtp_tls_security_level is not set"),
                                .became = SPAN("send-connectors.*.tls"),
                                .why = SPAN("Postfix sends in clear; write tls: opportunistic to "
                                            "encrypt where it is offered"),
                            });
    for (size_t i = 0; i < r->policies.count; i++)
        note_policy(r, &r->policies.items[i]);
    static const char *const same[] = {"smtp_tls_policy_maps", "smtp_use_tls", "smtp_enforce_tls",
                                       "smtp_tls_wrappermode"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        parameter_became(pi, same[i], "send-connectors.*.tls", NULL);
    parameter_became(pi, "smtp_tls_CAfile", "send-connectors.*.tls-trust-file",
                     "where a certificate is verified");
}

/* ---- the rest ---- */

static const struct postfix_number numbers[] = {
    {"default_destination_concurrency_limit", "max-connections-per-next-hop", 0, true},
    {"smtp_destination_concurrency_limit", "max-connections-per-next-hop", 0, true},
    {"default_destination_recipient_limit", "max-recipients-per-message", 0, false},
    {"smtp_destination_recipient_limit", "max-recipients-per-message", 0, false},
    {"smtp_connection_reuse_count_limit", "max-messages-per-connection", 0, true},
    {"smtp_connection_cache_time_limit", "idle-timeout", 's', false},
    {"smtp_connect_timeout", "connect-timeout", 's', false},
};
static const struct postfix_number times[] = {
    {"minimal_backoff_time", "glitch-interval", 's', false},
    {"maximal_backoff_time", "interval", 's', false},
    {"maximal_queue_lifetime", "expire", 'd', false},
    {"delay_warning_time", "delay-notice", 'h', false},
};

static const struct schema_map *retry_keys(void)
{
    return schema_find(&schema_send_connector, SPAN("retry"))->map;
}

static void set_text(struct routes *r, const struct hop *hop, struct import_path at,
                     const char *parameter, const char *key)
{
    struct span text = postfix_value(r->pi, hop->service, parameter);
    if (postfix_is_set(r->pi, parameter) && text.n)
        import_set(r->pi->im, import_path_below(at, key), text);
}

void hop_emit(struct routes *r, const struct hop *hop, struct import_path at)
{
    struct postfix_import *pi = r->pi;
    bool smtp = !hop->maildir.n && !span_eq(span_of(hop->deliver_by), SPAN("lmtp"));
    import_set(pi->im, import_path_below(at, "deliver-by"), span_of(hop->deliver_by));
    set_hosts(r, hop, at);
    if (hop->maildir.n)
        import_set(pi->im, import_path_below(at, "maildir"), hop->maildir);
    import_set(pi->im, import_path_below(at, "max-message-size"), SPAN("unlimited"));
    if (smtp) {
        set_tls(r, hop, at);
        set_text(r, hop, at, "smtp_helo_name", "fqdn");
        set_text(r, hop, at, "smtp_bind_address", "source-ip");
        postfix_numbers(pi, hop->service, &schema_send_connector, at, numbers, COUNT_OF(numbers));
    }
    postfix_numbers(pi, NULL, retry_keys(), import_path_below(at, "retry"), times, COUNT_OF(times));
}

void hop_notes(struct routes *r)
{
    struct postfix_import *pi = r->pi;
    note_tls(r);
    postfix_numbers_note(pi, "send-connectors.*", numbers, COUNT_OF(numbers));
    postfix_numbers_note(pi, "send-connectors.*.retry", times, COUNT_OF(times));
    parameter_became(pi, "smtp_helo_name", "send-connectors.*.fqdn", NULL);
    parameter_became(pi, "smtp_bind_address", "send-connectors.*.source-ip", NULL);
    static const char *const mailboxes[] = {"home_mailbox", "mail_spool_directory",
                                            "virtual_mailbox_base"};
    for (size_t i = 0; i < COUNT_OF(mailboxes); i++)
        parameter_became(pi, mailboxes[i], "send-connectors.*.maildir",
                         "maildirs only, and all of the daemon's user");
}
