/* What has no note yet: certificates, services that are no smtpd, and each parameter that is left.
 * Nothing that an administrator wrote may vanish without a word. */
#include "base/num.h"
#include "policy/import_postfix_parts.h"

struct reason {
    const char *name; /* ends with "*" where it is a head */
    const char *why;
};

static const char no_logon[] = "there is no AUTH here";
static const char no_rewriting[] = "addresses and headers are not rewritten here";
static const char no_filter[] = "messages are not filtered here: put a filter in front or behind";
static const char no_users[] = "recipients are not looked up: each of an accepted domain is taken, "
                               "and the next hop may refuse it";
static const char automatic[] = "it is chosen and kept up by itself here";
static const char of_postfix[] = "about Postfix's own processes and files";
static const char always_so[] = "it is always so here";
static const char no_verbosity[] = "what became of each message is always tracked";

static const struct reason reasons[] = {
    {"smtpd_sasl_*", no_logon},
    {"smtp_sasl_*", "this server does not log on to next hops: let them accept it by its address "
                    "or by its certificate (tls-certificate)"},
    {"broken_sasl_auth_clients", no_logon},
    {"virtual_alias_*", no_rewriting},
    {"alias_*", no_rewriting},
    {"canonical_*", no_rewriting},
    {"sender_canonical_*", no_rewriting},
    {"recipient_canonical_*", no_rewriting},
    {"smtp_generic_maps", no_rewriting},
    {"masquerade_*", no_rewriting},
    {"relocated_maps", no_rewriting},
    {"recipient_delimiter", no_rewriting},
    {"append_dot_mydomain", no_rewriting},
    {"append_at_myorigin", no_rewriting},
    {"always_bcc", no_rewriting},
    {"sender_bcc_maps", no_rewriting},
    {"recipient_bcc_maps", no_rewriting},
    {"luser_relay", no_rewriting},
    {"myorigin", "mail is not submitted locally: a sender without a domain is refused"},
    {"content_filter", no_filter},
    {"smtpd_milters", no_filter},
    {"non_smtpd_milters", no_filter},
    {"milter_*", no_filter},
    {"header_checks", no_filter},
    {"body_checks", no_filter},
    {"mime_header_checks", no_filter},
    {"nested_header_checks", no_filter},
    {"smtp_header_checks", no_filter},
    {"smtpd_proxy_filter", no_filter},
    {"receive_override_options", no_filter},
    {"local_recipient_maps", no_users},
    {"relay_recipient_maps", no_users},
    {"virtual_mailbox_maps", no_users},
    {"virtual_uid_maps", no_users},
    {"virtual_gid_maps", no_users},
    {"virtual_minimum_uid", no_users},
    {"unknown_local_recipient_reject_code", no_users},
    {"sender_dependent_*", "next hops follow from the recipient here, not from the sender"},
    {"mailbox_command", "programs are not run: let an LMTP server deliver"},
    {"mailbox_size_limit", "maildirs have no limit here"},
    {"virtual_mailbox_limit", "maildirs have no limit here"},
    {"mailbox_transport_maps", no_users},
    {"fallback_transport*", no_users},
    {"postscreen_*", "clients are not tested before they are served"},
    {"smtp_tls_cert_file", "import it by sealpost cert import, then name its thumbprint in "
                           "tls-certificate"},
    {"smtp_tls_key_file", "its key goes with smtp_tls_cert_file"},
    {"smtp_tls_chain_files", "import it by sealpost cert import, then name its thumbprint in "
                             "tls-certificate"},
    {"smtp_tls_CApath", "the system's roots are trusted"},
    {"smtpd_tls_CAfile", "clients' certificates are not asked for"},
    {"smtpd_tls_CApath", "clients' certificates are not asked for"},
    {"smtpd_tls_ask_ccert", "clients' certificates are not asked for"},
    {"smtpd_tls_req_ccert", "clients' certificates are not asked for"},
    {"smtpd_tls_loglevel", no_verbosity},
    {"smtp_tls_loglevel", no_verbosity},
    {"smtp_tls_note_starttls_offer", no_verbosity},
    {"smtpd_tls_received_header", always_so},
    {"smtpd_tls_auth_only", no_logon},
    {"smtpd_tls_session_cache_*", automatic},
    {"smtp_tls_session_cache_*", automatic},
    {"lmtp_tls_*", "LMTP takes TLS where it is offered"},
    {"smtpd_tls_*", "protocols, ciphers and curves are OpenSSL's safe defaults here"},
    {"smtp_tls_*", "protocols, ciphers and curves are OpenSSL's safe defaults here"},
    {"tls_*", "protocols, ciphers and curves are OpenSSL's safe defaults here"},
    {"smtp_dns_support_level", "names are proved by DNSSEC where dns.validate is true"},
    {"smtp_host_lookup", "names are looked up in DNS"},
    {"parent_domain_matches_subdomains", "relay_domains holds subdomains, transport_maps does not"},
    {"mynetworks_style", "mynetworks is read as it is written; addresses of interfaces are not "
                         "known here"},
    {"proxy_interfaces", "other addresses of this server need no mention"},
    {"smtpd_helo_required", always_so},
    {"strict_rfc821_envelopes", always_so},
    {"disable_vrfy_command", "VRFY never tells whether a user exists"},
    {"smtpd_forbid_*", always_so},
    {"smtpd_reject_unlisted_*", no_users},
    {"smtpd_delay_reject", always_so},
    {"smtpd_data_restrictions", always_so},
    {"smtputf8_enable", always_so},
    {"allow_percent_hack", "addresses are taken as they are"},
    {"swap_bangpath", "addresses are taken as they are"},
    {"smtp_line_length_limit", always_so},
    {"fallback_relay", "name a second send connector with a higher cost"},
    {"smtp_fallback_relay", "name a second send connector with a higher cost"},
    {"notify_classes", "sealpost events and doctor tell what is wrong"},
    {"bounce_queue_lifetime", "notifications wait as long as other messages"},
    {"queue_run_delay", "each message has its own time of the next attempt"},
    {"qmgr_message_*", automatic},
    {"smtpd_client_*", "there is no such limit here"},
    {"smtpd_soft_error_limit", "see max-protocol-errors and tarpit"},
    {"smtpd_junk_command_limit", "see max-protocol-errors"},
    {"anvil_*", "rates are counted by the minute"},
    {"biff", of_postfix},
    {"readme_directory", of_postfix},
    {"html_directory", of_postfix},
    {"manpage_directory", of_postfix},
    {"sample_directory", of_postfix},
    {"compatibility_level", of_postfix},
    {"mail_owner", of_postfix},
    {"setgid_group", of_postfix},
    {"default_privs", of_postfix},
    {"queue_directory", of_postfix},
    {"command_directory", of_postfix},
    {"daemon_directory", of_postfix},
    {"data_directory", of_postfix},
    {"config_directory", of_postfix},
    {"meta_directory", of_postfix},
    {"shlib_directory", of_postfix},
    {"sendmail_path", of_postfix},
    {"newaliases_path", of_postfix},
    {"mailq_path", of_postfix},
    {"maillog_*", of_postfix},
    {"syslog_*", of_postfix},
    {"debug_*", of_postfix},
    {"debugger_command", of_postfix},
    {"inet_*", of_postfix},
    {"mail_name", of_postfix},
    {"default_database_type", of_postfix},
    {"import_environment", of_postfix},
    {"export_environment", of_postfix},
    {"owner_request_special", no_rewriting},
};

static const char *reason_for(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        struct span known = span_of(reasons[i].name);
        bool head = known.p[known.n - 1] == '*';
        if (head ? span_starts(name, span_head(known, known.n - 1)) : span_eq(name, known))
            return reasons[i].why;
    }
    return NULL;
}

/* ---- certificates ---- */

/* "smtpd_tls_chain_files = key, chain", or certificate and key in two files. */
static void note_certificate(struct postfix_import *pi, const char *certificate, const char *key)
{
    struct span file = postfix_value(pi, NULL, certificate);
    struct span key_file = key ? postfix_value(pi, NULL, key) : SPAN_NONE;
    if (file.n == 0 || span_eq(file, SPAN("none")))
        return;
    struct buf files = BUF_INIT(BUF_UNLIMITED);
    struct span rest = file, word;
    while (postfix_word(&rest, true, &word))
        buf_addf(&files, " " SPAN_FMT, SPAN_ARG(word));
    if (key_file.n && !span_eq(key_file, file))
        buf_addf(&files, " " SPAN_FMT, SPAN_ARG(key_file));
    struct span why =
        arena_printf(pi->im->arena,
                     "certificates are no part of the document: sealpost cert import" SPAN_FMT
                     " --services smtp, or name the folder in "
                     "certificates.watch",
                     SPAN_ARG(buf_span(&files)));
    buf_done(&files);
    parameter_left(pi, certificate, why.p);
    if (key)
        parameter_left(pi, key, "it goes with its certificate");
}

static void note_certificates(struct postfix_import *pi)
{
    note_certificate(pi, "smtpd_tls_chain_files", NULL);
    note_certificate(pi, "smtpd_tls_cert_file", "smtpd_tls_key_file");
    note_certificate(pi, "smtpd_tls_eccert_file", "smtpd_tls_eckey_file");
    struct postfix_items names = postfix_tables(pi, "tls_server_sni_maps");
    for (size_t i = 0; i < names.count; i++) {
        const struct postfix_item *item = &names.items[i];
        struct span why = arena_printf(pi->im->arena,
                                       "sealpost cert import " SPAN_FMT
                                       " --services smtp: it is presented to who asks for a name "
                                       "that it covers",
                                       SPAN_ARG(item->value));
        item_note(pi, IMPORT_LEFT_OUT, item, "certificate for", SPAN_NONE, why.p);
    }
    parameter_left(pi, "tls_server_sni_maps",
                   "the certificate that covers the asked name is presented by itself, once it is "
                   "imported");
}

/* ---- other services ---- */

/* What every installation has, and what delivers only where a route says so. */
static bool is_own_service(struct span command)
{
    static const char *const own[] = {
        "smtpd",           "postscreen", "pickup",   "cleanup", "qmgr",     "oqmgr", "tlsmgr",
        "trivial-rewrite", "bounce",     "verify",   "flush",   "proxymap", "smtp",  "showq",
        "error",           "discard",    "local",    "virtual", "lmtp",     "anvil", "scache",
        "postlogd",        "pipe",       "tlsproxy", "dnsblog"};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (span_eq(command, span_of(own[i])))
            return true;
    return false;
}

static void note_services(struct postfix_import *pi)
{
    for (size_t i = 0; i < pi->conf.service_count; i++) {
        const struct postfix_service *s = &pi->conf.services[i];
        if (is_own_service(s->command))
            continue;
        import_note(pi->im,
                    (struct import_note){
                        .fate = IMPORT_LEFT_OUT,
                        .place = {pi->master_file, s->line},
                        .what = arena_printf(pi->im->arena, "service " SPAN_FMT " (" SPAN_FMT ")",
                                             SPAN_ARG(s->name), SPAN_ARG(s->command)),
                        .why = SPAN("there is no such service here"),
                    });
    }
}

static void note_parameter(struct postfix_import *pi, const struct postfix_parameter *p)
{
    const char *name = arena_text(pi->im->arena, p->name), *why = reason_for(p->name);
    if (why)
        parameter_left(pi, name, why);
    else if (postfix_is_named(&pi->conf, p->name))
        parameter_became(pi, name, "wherever it is named", NULL);
    else if (p->value.n == 0)
        parameter_left(pi, name, "it is empty");
    else
        parameter_left(pi, name, "there is no counterpart here");
}

static void import_queue(struct postfix_import *pi)
{
    const struct schema_map *queue = schema_find(&schema_document, SPAN("queue"))->map;
    struct span text = postfix_value(pi, NULL, "queue_minfree");
    uint64_t bytes;
    bool clamped;
    if (!postfix_is_set(pi, "queue_minfree") || num_parse(text, INT64_MAX, &bytes) != OK)
        return;
    text = import_number(pi->im->arena, schema_find(queue, SPAN("disk-reserve")), bytes, &clamped);
    import_set(pi->im, import_path("queue", SPAN("disk-reserve"), NULL), text);
    parameter_became(pi, "queue_minfree", "queue.disk-reserve", NULL);
}

void import_postfix_rest(struct postfix_import *pi)
{
    import_queue(pi);
    note_certificates(pi);
    note_services(pi);
    for (size_t i = 0; i < pi->conf.parameter_count; i++)
        if (!pi->noted[i])
            note_parameter(pi, &pi->conf.parameters[i]);
}
