/* Each send connector for itself. */
#include "base/map.h"
#include "conf/check.h"

struct send_check {
    const struct checking *check;
    const struct send_connector *c;
    const struct node *node;
};

static void error_at(const struct send_check *s, const char *key, struct span remedy,
                     const char *text)
{
    problem_error(s->check->problems, check_place(s->node, key), remedy, "%s", text);
}

static void warning_at(const struct send_check *s, const char *key, struct span remedy,
                       const char *text)
{
    problem_warning(s->check->problems, check_place(s->node, key), remedy, "%s", text);
}

static bool has(const struct send_check *s, const char *key)
{
    return tree_get(s->node, span_of(key)) != NULL;
}

static void check_spaces(const struct send_check *s)
{
    const struct node *list = check_place(s->node, "address-spaces");
    if (s->c->address_space_count == 0)
        error_at(s, "address-spaces", SPAN("name at least one, \"*\" for all domains"),
                 "the connector takes no mail");
    struct map seen;
    map_init(&seen);
    const struct node *item = list->kind == NODE_LIST ? list->first : list;
    for (size_t i = 0; i < s->c->address_space_count; i++, item = item->next) {
        const struct address_space *space = &s->c->address_spaces[i];
        struct buf name = BUF_INIT(BUF_UNLIMITED);
        buf_addf(&name, "%s" SPAN_FMT,
                 space->everything        ? "*"
                 : space->with_subdomains ? "*."
                                          : "",
                 SPAN_ARG(space->domain));
        if (map_set(&seen, buf_span(&name), &seen))
            problem_error(s->check->problems, item, SPAN("keep one of them"),
                          "%s is listed already", buf_text(&name));
        buf_done(&name);
    }
    map_done(&seen);
}

static void check_smart_hosts(const struct send_check *s)
{
    bool wanted = s->c->deliver_by == DELIVER_BY_SMART_HOST || s->c->deliver_by == DELIVER_BY_LMTP;
    if (wanted && s->c->smart_host_count == 0)
        error_at(s, has(s, "smart-hosts") ? "smart-hosts" : "deliver-by",
                 SPAN("add smart-hosts: [host]"),
                 "deliver-by needs smart-hosts, and there are none");
    if (!wanted && s->c->smart_host_count)
        error_at(s, "smart-hosts",
                 SPAN("remove smart-hosts, or write deliver-by: smart-host (or lmtp)"),
                 "smart-hosts are given, but deliver-by does not use them");
    if (s->c->deliver_by == DELIVER_BY_LMTP)
        return;
    for (size_t i = 0; i < s->c->smart_host_count; i++)
        if (span_starts(s->c->smart_hosts[i].host, SPAN("/")))
            error_at(s, "smart-hosts", SPAN("write deliver-by: lmtp, or a host"),
                     "only LMTP can be spoken to a socket's path");
}

static void check_maildir(const struct send_check *s)
{
    bool wanted = s->c->deliver_by == DELIVER_BY_MAILDIR;
    if (wanted && s->c->maildir.n == 0)
        error_at(s, "deliver-by", SPAN("add maildir: /absolute/folder"),
                 "deliver-by: maildir needs the key maildir");
    if (!wanted && s->c->maildir.n)
        error_at(s, "maildir", SPAN("remove it, or write deliver-by: maildir"),
                 "maildir is given, but deliver-by does not use it");
}

static void check_tls(const struct send_check *s)
{
    const struct send_connector *c = s->c;
    bool always = c->tls == SEND_TLS_REQUIRED || c->tls == SEND_TLS_IMPLICIT;
    bool to_hosts = c->deliver_by == DELIVER_BY_SMART_HOST || c->deliver_by == DELIVER_BY_LMTP;
    if (c->tls == SEND_TLS_IMPLICIT && !to_hosts)
        error_at(s, "tls", SPAN("write tls: required, or name smart-hosts"),
                 "implicit TLS needs smart hosts: the MX hosts of the world do not speak it");
    if (c->tls_verify != VERIFY_ENCRYPT && !always)
        warning_at(s, "tls-verify", SPAN("write tls: required as well"),
                   "without tls: required a certificate that cannot be verified stops no mail, so "
                   "tls-verify protects from nothing");
    if (c->tls_verify_domain.n && c->tls_verify != VERIFY_NAME)
        warning_at(s, "tls-verify-domain", SPAN("write tls-verify: name"),
                   "no name is looked for unless tls-verify is name");
    if (c->tls_trust_file.n && c->tls_verify == VERIFY_ENCRYPT)
        warning_at(s, "tls-trust-file", SPAN("write tls-verify: chain or name"),
                   "no certificate is verified while tls-verify is encrypt");
    if (c->tls_certificate.n && (c->tls == SEND_TLS_OFF || c->deliver_by == DELIVER_BY_MAILDIR))
        warning_at(s, "tls-certificate", SPAN("remove it, or write tls: required"),
                   "no certificate is ever presented without TLS");
    if (c->deliver_by == DELIVER_BY_MAILDIR && always)
        warning_at(s, "tls", SPAN("remove it"), "a maildir is local: there is nothing to encrypt");
    for (size_t i = 0; always && i < c->smart_host_count; i++)
        if (span_starts(c->smart_hosts[i].host, SPAN("/")))
            warning_at(s, "tls", SPAN("remove it, or use a host"),
                       "the socket's server has to speak TLS, which is rare on a local socket");
}

static void check_retry(const struct send_check *s)
{
    const struct retry_conf *r = &s->c->retry;
    if (r->delay_notice_ms && r->delay_notice_ms >= r->expire_ms)
        warning_at(s, "retry", SPAN("lower delay-notice, or write 0s"),
                   "delay-notice is not shorter than expire, so nobody is ever told of a delay");
    if (r->interval_ms >= r->expire_ms)
        warning_at(s, "retry", SPAN("raise expire or lower interval"),
                   "interval is not shorter than expire");
}

static bool is_any_address(const struct ip *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip->b, zero, sizeof(zero)) == 0;
}

/* A next hop that is one of our own listeners: a message would go in circles until max-hops. */
static bool is_own_listener(const struct document *d, const struct ip *ip, uint16_t port)
{
    for (size_t i = 0; i < d->receive_connector_count; i++) {
        const struct receive_connector *c = &d->receive_connectors[i];
        for (size_t j = 0; c->enabled && j < c->bind_count; j++) {
            const struct endpoint *bind = &c->bind[j];
            if (bind->port != port || bind->ip.v6 != ip->v6)
                continue;
            if (ip_cmp(&bind->ip, ip) == 0 || (is_any_address(&bind->ip) && ip_is_loopback(ip)))
                return true;
        }
    }
    return false;
}

static void check_loop(const struct send_check *s)
{
    const struct document *d = s->check->d;
    for (size_t i = 0; i < s->c->smart_host_count; i++) {
        const struct smart_host *host = &s->c->smart_hosts[i];
        struct ip ip;
        uint16_t port = host->port ? host->port : s->c->port;
        bool by_address = ip_parse(host->host, &ip) == OK && is_own_listener(d, &ip, port);
        if (by_address || (span_eq(host->host, d->hostname) && port == 25))
            warning_at(s, "smart-hosts", SPAN("name the host that mail should go to"),
                       "the next hop is this server itself: mail would go in circles");
    }
}

void check_send_connectors(const struct checking *check)
{
    for (size_t i = 0; i < check->d->send_connector_count; i++) {
        struct send_check s = {check, &check->d->send_connectors[i], check->send_nodes[i]};
        if (s.node->broken)
            continue;
        check_spaces(&s);
        check_smart_hosts(&s);
        check_maildir(&s);
        check_tls(&s);
        check_retry(&s);
        check_loop(&s);
    }
}
