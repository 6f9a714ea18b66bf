#include "conf/schema.h"

#include "base/clock.h"

#define AT(type, member) .offset = offsetof(type, member), .width = sizeof(((type *)0)->member)
#define LIST_AT(type, items, count)                                                                \
    .offset = offsetof(type, items), .count_offset = offsetof(type, count)
#define MEBI (1024ULL * 1024)
#define COUNT_MAX 2147483647ULL /* Exchange's Int32 */

static const struct choice receive_tls_choices[] = {{"off", RECEIVE_TLS_OFF},
                                                    {"offered", RECEIVE_TLS_OFFERED},
                                                    {"required", RECEIVE_TLS_REQUIRED},
                                                    {"implicit", RECEIVE_TLS_IMPLICIT},
                                                    {0}};
static const struct choice mismatch_choices[] = {
    {"offer", MISMATCH_OFFER}, {"withhold", MISMATCH_WITHHOLD}, {"refuse", MISMATCH_REFUSE}, {0}};
static const struct choice relay_choices[] = {{"false", RELAY_NONE}, {"true", RELAY_RANGE},
                                              {"open", RELAY_OPEN},  {"no", RELAY_NONE},
                                              {"yes", RELAY_RANGE},  {0}};
static const struct choice send_tls_choices[] = {{"off", SEND_TLS_OFF},
                                                 {"opportunistic", SEND_TLS_OPPORTUNISTIC},
                                                 {"required", SEND_TLS_REQUIRED},
                                                 {"implicit", SEND_TLS_IMPLICIT},
                                                 {0}};
static const struct choice verify_choices[] = {
    {"encrypt", VERIFY_ENCRYPT}, {"chain", VERIFY_CHAIN}, {"name", VERIFY_NAME}, {0}};
static const struct choice deliver_choices[] = {{"mx", DELIVER_BY_MX},
                                                {"smart-host", DELIVER_BY_SMART_HOST},
                                                {"lmtp", DELIVER_BY_LMTP},
                                                {"maildir", DELIVER_BY_MAILDIR},
                                                {0}};
static const struct choice domain_choices[] = {
    {"authoritative", DOMAIN_AUTHORITATIVE}, {"relay", DOMAIN_RELAY}, {0}};
static const struct choice level_choices[] = {
    {"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warning", LOG_WARNING}, {"error", LOG_ERROR}, {0}};
static const struct choice challenge_choices[] = {{"http-01", 0}, {"dns-01", 1}, {0}};
/* As cert/request.h names them. */
static const struct choice key_choices[] = {{"p256", 0},    {"p384", 1},    {"rsa2048", 2},
                                            {"rsa3072", 3}, {"rsa4096", 4}, {0}};
static const struct choice format_choices[] = {{"logfmt", false}, {"json", true}, {0}};

static const struct schema_key accepted_domain_keys[] = {
    {"domain", VALUE_PATTERN, .required = true,
     LIST_AT(struct accepted_domain, domain, with_subdomains),
     .explanation = "The domain, or \"*.domain\" for all of its subdomains without itself.",
     .exchange = "DomainName", .postfix = "relay_domains"},
    {"type", VALUE_CHOICE, AT(struct accepted_domain, type), .fallback = "authoritative",
     .choices = domain_choices,
     .explanation = "Whether its mailboxes are ours (then the address space \"*\" never takes it), "
                    "or it is only passed on.",
     .exchange = "DomainType"},
    {0}};

static const struct schema_key receive_keys[] = {
    {"bind", VALUE_ENDPOINTS, .required = true, LIST_AT(struct receive_connector, bind, bind_count),
     .explanation = "Local addresses and ports to listen on; 0.0.0.0 and [::] are all addresses of "
                    "their family.",
     .exchange = "Bindings", .postfix = "inet_interfaces"},
    {"from", VALUE_RANGES, LIST_AT(struct receive_connector, from, from_count),
     .fallback_words = "everyone",
     .explanation = "Addresses of clients that this connector serves; among connectors of one "
                    "binding the smallest range that holds the client wins.",
     .exchange = "RemoteIPRanges", .postfix = "mynetworks"},
    {"fqdn", VALUE_DOMAIN, AT(struct receive_connector, fqdn), .fallback_words = "the hostname",
     .explanation = "The name in the greeting, the EHLO reply and the Received line, for which the "
                    "certificate is chosen.",
     .exchange = "Fqdn", .postfix = "smtpd_banner"},
    {"enabled", VALUE_BOOL, AT(struct receive_connector, enabled), .fallback = "true",
     .explanation = "Whether it listens.", .exchange = "Enabled"},
    {"tls", VALUE_CHOICE, AT(struct receive_connector, tls), .fallback = "offered",
     .choices = receive_tls_choices,
     .explanation = "Whether STARTTLS is hidden, offered, or demanded before MAIL, or the "
                    "connection begins with a handshake (implicit).",
     .exchange = "RequireTLS", .postfix = "smtpd_tls_security_level"},
    {"on-mismatch", VALUE_CHOICE, AT(struct receive_connector, on_mismatch), .fallback = "offer",
     .choices = mismatch_choices,
     .explanation = "What happens while no certificate covers the fqdn: STARTTLS with the best "
                    "usable one, no STARTTLS (as Exchange does), or no service at all (421)."},
    {"pin", VALUE_PIN, AT(struct receive_connector, pin), .fallback_words = "none",
     .explanation = "The certificate to present, by thumbprint, by key (spki:, which survives "
                    "renewal with the same key) or by issuer and subject; without it the best one "
                    "for the fqdn is chosen.",
     .exchange = "TlsCertificateName", .postfix = "smtpd_tls_cert_file"},
    {"pin-strict", VALUE_BOOL, AT(struct receive_connector, pin_strict), .fallback = "false",
     .explanation = "Whether nothing else may be presented while the pin names no usable "
                    "certificate; otherwise the best one for the fqdn stands in, and an event says "
                    "so."},
    {"partners", VALUE_NAMES, LIST_AT(struct receive_connector, partners, partner_count),
     .fallback_words = "none",
     .explanation = "Domains whose servers send to this connector only by TLS and verify its name; "
                    "what would break for them is said before a change is made.",
     .exchange = "TlsDomainCapabilities"},
    {"relay", VALUE_CHOICE, AT(struct receive_connector, relay_permission), .fallback = "false",
     .choices = relay_choices,
     .explanation = "Whether its clients may send to domains that are not accepted ones; true "
                    "needs narrow ranges in from, open is for everyone and rarely right.",
     .exchange = "ms-Exch-SMTP-Accept-Any-Recipient", .postfix = "permit_mynetworks"},
    {"banner", VALUE_TEXT, AT(struct receive_connector, banner),
     .fallback_words = "the fqdn and the product",
     .explanation = "The text of the greeting behind \"220 \"; it has to begin with a domain name "
                    "(RFC 5321 section 4.2).",
     .exchange = "Banner", .postfix = "smtpd_banner"},
    {"max-message-size", VALUE_SIZE, AT(struct receive_connector, max_message_size),
     .fallback = "36MB", .min = 65536, .max = COUNT_MAX,
     .explanation = "The largest message, as transferred (base64 adds a third).",
     .exchange = "MaxMessageSize", .postfix = "message_size_limit"},
    {"max-header-size", VALUE_SIZE, AT(struct receive_connector, max_header_size),
     .fallback = "256KB", .min = 1024, .max = 64 * MEBI,
     .explanation = "The largest header of a message.", .exchange = "MaxHeaderSize",
     .postfix = "header_size_limit"},
    {"max-recipients", VALUE_NUMBER, AT(struct receive_connector, max_recipients),
     .fallback = "200", .min = 100, .max = 512000,
     .explanation = "Recipients of one message; more are told to come in a further one (RFC 5321 "
                    "section 4.5.3.1.8 demands 100).",
     .exchange = "MaxRecipientsPerMessage", .postfix = "smtpd_recipient_limit"},
    {"max-hops", VALUE_NUMBER, AT(struct receive_connector, max_hops), .fallback = "100", .min = 1,
     .max = 500,
     .explanation = "Received lines after which a message is taken to go in circles (RFC 5321 "
                    "section 6.3 advises 100).",
     .exchange = "MaxHopCount", .postfix = "hopcount_limit"},
    {"max-connections", VALUE_NUMBER, AT(struct receive_connector, max_connections),
     .fallback = "5000", .unlimited = true, .min = 1, .max = COUNT_MAX,
     .explanation = "Connections at the same time.", .exchange = "MaxInboundConnection",
     .postfix = "default_process_limit"},
    {"max-connections-per-source", VALUE_NUMBER,
     AT(struct receive_connector, max_connections_per_source), .fallback = "20", .unlimited = true,
     .min = 1, .max = COUNT_MAX, .explanation = "Connections at the same time from one address.",
     .exchange = "MaxInboundConnectionPerSource", .postfix = "smtpd_client_connection_count_limit"},
    {"max-connection-rate", VALUE_NUMBER, AT(struct receive_connector, max_connection_rate),
     .fallback = "1200", .unlimited = true, .min = 1, .max = COUNT_MAX,
     .explanation = "New connections per minute from one address.",
     .exchange = "MaxConnectionRatePerMinute", .postfix = "smtpd_client_connection_rate_limit"},
    {"max-messages-per-connection", VALUE_NUMBER,
     AT(struct receive_connector, max_messages_per_connection), .fallback = "unlimited",
     .unlimited = true, .min = 1, .max = COUNT_MAX, .explanation = "Messages in one connection."},
    {"max-protocol-errors", VALUE_NUMBER, AT(struct receive_connector, max_protocol_errors),
     .fallback = "5", .unlimited = true, .min = 1, .max = COUNT_MAX,
     .explanation = "Errors of the client after which the connection is closed.",
     .exchange = "MaxProtocolErrors", .postfix = "smtpd_hard_error_limit"},
    {"timeout", VALUE_DURATION, AT(struct receive_connector, timeout_ms), .fallback = "10m",
     .min = SECOND_MS, .max = DAY_MS,
     .explanation = "How long a connection may last altogether; longer than idle-timeout.",
     .exchange = "ConnectionTimeout"},
    {"idle-timeout", VALUE_DURATION, AT(struct receive_connector, idle_timeout_ms),
     .fallback = "5m", .min = SECOND_MS, .max = DAY_MS,
     .explanation = "How long a silent client is waited for (RFC 5321 section 4.5.3.2.7 advises "
                    "five minutes).",
     .exchange = "ConnectionInactivityTimeout", .postfix = "smtpd_timeout"},
    {"tarpit", VALUE_DURATION, AT(struct receive_connector, tarpit_ms), .fallback = "5s",
     .max = 10 * MINUTE_MS,
     .explanation = "How long a refusal of a sender or recipient is held back; 0s: not at all.",
     .exchange = "TarpitInterval", .postfix = "smtpd_error_sleep_time"},
    {0}};

static const struct schema_key retry_keys[] = {
    {"glitch-count", VALUE_NUMBER, AT(struct retry_conf, glitch_count), .fallback = "4", .max = 15,
     .explanation = "Attempts at the first, short interval.", .exchange = "QueueGlitchRetryCount"},
    {"glitch-interval", VALUE_DURATION, AT(struct retry_conf, glitch_interval_ms), .fallback = "1m",
     .min = SECOND_MS, .max = 12 * HOUR_MS, .explanation = "The first interval between attempts.",
     .exchange = "QueueGlitchRetryInterval", .postfix = "minimal_backoff_time"},
    {"transient-count", VALUE_NUMBER, AT(struct retry_conf, transient_count), .fallback = "6",
     .max = 15, .explanation = "Attempts at the second interval.",
     .exchange = "TransientFailureRetryCount"},
    {"transient-interval", VALUE_DURATION, AT(struct retry_conf, transient_interval_ms),
     .fallback = "5m", .min = SECOND_MS, .max = 12 * HOUR_MS,
     .explanation = "The second interval between attempts.",
     .exchange = "TransientFailureRetryInterval"},
    {"interval", VALUE_DURATION, AT(struct retry_conf, interval_ms), .fallback = "10m",
     .min = SECOND_MS, .max = 20 * DAY_MS, .explanation = "The interval from then on.",
     .exchange = "OutboundConnectionFailureRetryInterval", .postfix = "maximal_backoff_time"},
    {"delay-notice", VALUE_DURATION, AT(struct retry_conf, delay_notice_ms), .fallback = "4h",
     .max = 30 * DAY_MS,
     .explanation = "After which wait the sender is told of the delay; 0s: never.",
     .exchange = "DelayNotificationTimeout", .postfix = "delay_warning_time"},
    {"expire", VALUE_DURATION, AT(struct retry_conf, expire_ms), .fallback = "2d",
     .min = 5 * SECOND_MS, .max = 90 * DAY_MS,
     .explanation = "After which wait the message goes back to its sender.",
     .exchange = "MessageExpirationTimeout", .postfix = "maximal_queue_lifetime"},
    {0}};

static const struct schema_map retry_map = {"retry", sizeof(struct retry_conf), retry_keys};

static const struct schema_key send_keys[] = {
    {"enabled", VALUE_BOOL, AT(struct send_connector, enabled), .fallback = "true",
     .explanation = "Whether routing uses it.", .exchange = "Enabled"},
    {"hold", VALUE_BOOL, AT(struct send_connector, hold), .fallback = "false",
     .explanation = "Whether what it takes waits, without an attempt, until this is false again: "
                    "for the time in which a next hop is not to be bothered.",
     .exchange = "Suspend-Queue", .postfix = "defer_transports"},
    {"address-spaces", VALUE_ADDRESS_SPACES, .required = true,
     LIST_AT(struct send_connector, address_spaces, address_space_count),
     .explanation = "What it takes: \"example.com\", \"*.example.com\" (the domain and its "
                    "subdomains) or \"*\" (all), each with \";cost\" from 1 to 100 where it is not "
                    "1; the most specific space wins, then the lowest cost, then the first name.",
     .exchange = "AddressSpaces", .postfix = "transport_maps"},
    {"deliver-by", VALUE_CHOICE, AT(struct send_connector, deliver_by),
     .fallback_words = "smart-host where smart-hosts are given, else mx",
     .choices = deliver_choices,
     .explanation = "By the MX records of the domain, to the smart hosts by SMTP or by LMTP, or "
                    "into a local maildir.",
     .exchange = "DNSRoutingEnabled", .postfix = "default_transport"},
    {"smart-hosts", VALUE_SMART_HOSTS,
     LIST_AT(struct send_connector, smart_hosts, smart_host_count), .fallback_words = "none",
     .explanation = "Next hops: \"host\", \"host:port\", \"[address]\", \"[address]:port\"; for "
                    "LMTP also the path of a socket.",
     .exchange = "SmartHosts", .postfix = "relayhost"},
    {"maildir", VALUE_PATH, AT(struct send_connector, maildir), .fallback_words = "none",
     .explanation =
         "The folder of the maildir; %d in it stands for the domain, %l for the local part.",
     .postfix = "virtual_mailbox_base"},
    {"port", VALUE_NUMBER, AT(struct send_connector, port),
     .fallback_words = "25, for LMTP 24, for implicit TLS 465", .min = 1, .max = 65535,
     .explanation = "The port of next hops that name none.", .exchange = "Port"},
    {"fqdn", VALUE_DOMAIN, AT(struct send_connector, fqdn), .fallback_words = "the hostname",
     .explanation = "The name in EHLO.", .exchange = "Fqdn", .postfix = "smtp_helo_name"},
    {"source-ip", VALUE_IP, LIST_AT(struct send_connector, source_ip, has_source_ip),
     .fallback_words = "the system's choice",
     .explanation = "The local address that connections come from.", .exchange = "SourceIPAddress",
     .postfix = "smtp_bind_address"},
    {"tls", VALUE_CHOICE, AT(struct send_connector, tls), .fallback = "opportunistic",
     .choices = send_tls_choices,
     .explanation = "Never, where the next hop offers it (and in clear where the handshake fails), "
                    "always, or from the first byte on (smart hosts only).",
     .exchange = "RequireTLS", .postfix = "smtp_tls_security_level"},
    {"tls-verify", VALUE_CHOICE, AT(struct send_connector, tls_verify), .fallback = "encrypt",
     .choices = verify_choices,
     .explanation = "What the certificate of the next hop has to prove: nothing, a trusted chain, "
                    "or a trusted chain and the name.",
     .exchange = "TlsAuthLevel", .postfix = "smtp_tls_policy_maps"},
    {"tls-verify-domain", VALUE_DOMAIN, AT(struct send_connector, tls_verify_domain),
     .fallback_words = "the name of the next hop",
     .explanation = "The name to look for in the certificate.", .exchange = "TlsDomain",
     .postfix = "smtp_tls_verify_cert_match"},
    {"tls-trust-file", VALUE_PATH, AT(struct send_connector, tls_trust_file),
     .fallback_words = "the system's roots", .explanation = "PEM file of the roots to trust.",
     .postfix = "smtp_tls_CAfile"},
    {"tls-certificate", VALUE_PIN, AT(struct send_connector, tls_certificate),
     .fallback_words = "none",
     .explanation = "The certificate to present where the next hop asks for one, by thumbprint, by "
                    "key (spki:) or by issuer and subject.",
     .exchange = "TlsCertificateName", .postfix = "smtp_tls_cert_file"},
    {"max-message-size", VALUE_SIZE, AT(struct send_connector, max_message_size),
     .fallback = "35MB", .unlimited = true, .max = COUNT_MAX,
     .explanation = "Larger messages do not take this connector.", .exchange = "MaxMessageSize"},
    {"max-connections", VALUE_NUMBER, AT(struct send_connector, max_connections),
     .fallback = "1000", .unlimited = true, .min = 1, .max = COUNT_MAX,
     .explanation =
         "Connections at the same time. Next hops that have not answered yet get three "
         "quarters of them at most, those that failed last a quarter; while others wait, "
         "one that does not answer is given up after a few seconds.",
     .exchange = "MaxOutboundConnections", .postfix = "default_process_limit"},
    {"max-connections-per-next-hop", VALUE_NUMBER,
     AT(struct send_connector, max_connections_per_next_hop), .fallback = "20", .unlimited = true,
     .min = 1, .max = COUNT_MAX, .explanation = "Connections at the same time to one next hop.",
     .exchange = "MaxPerDomainOutboundConnections",
     .postfix = "smtp_destination_concurrency_limit"},
    {"max-messages-per-connection", VALUE_NUMBER,
     AT(struct send_connector, max_messages_per_connection), .fallback = "100", .unlimited = true,
     .min = 1, .max = COUNT_MAX, .explanation = "Messages after which a connection is closed.",
     .exchange = "SmtpMaxMessagesPerConnection", .postfix = "smtp_connection_reuse_count_limit"},
    {"max-recipients-per-message", VALUE_NUMBER,
     AT(struct send_connector, max_recipients_per_message), .fallback = "100", .min = 1,
     .max = 512000, .explanation = "Recipients in one transaction; more go in further ones.",
     .postfix = "smtp_destination_recipient_limit"},
    {"idle-timeout", VALUE_DURATION, AT(struct send_connector, idle_timeout_ms), .fallback = "5s",
     .max = DAY_MS, .explanation = "How long an unused connection is kept for the next message.",
     .exchange = "ConnectionInactivityTimeOut", .postfix = "smtp_connection_cache_time_limit"},
    {"connect-timeout", VALUE_DURATION, AT(struct send_connector, connect_timeout_ms),
     .fallback = "30s", .min = SECOND_MS, .max = HOUR_MS,
     .explanation = "How long a connection may take to be made.",
     .postfix = "smtp_connect_timeout"},
    {"retry", VALUE_MAP, AT(struct send_connector, retry), .map = &retry_map,
     .explanation = "When delivery is attempted again and when it is given up."},
    {0}};

static const struct schema_key queue_keys[] = {
    {"max-length", VALUE_NUMBER, AT(struct queue_conf, max_length), .fallback = "500000",
     .min = 100, .max = COUNT_MAX,
     .explanation = "Recipients waiting at which new mail is put off; from two thirds of it on "
                    "only clients that may relay are served.",
     .exchange = "QueueLength"},
    {"disk-high", VALUE_PERCENT, AT(struct queue_conf, disk_high_percent), .fallback = "99%",
     .min = 1, .max = 100,
     .explanation = "Used space of the data disk at which all new mail is put off.",
     .exchange = "UsedDiskSpace"},
    {"disk-medium", VALUE_PERCENT, AT(struct queue_conf, disk_medium_percent), .fallback = "89%",
     .min = 1, .max = 100,
     .explanation = "Used space at which only clients that may relay are served."},
    {"disk-low", VALUE_PERCENT, AT(struct queue_conf, disk_low_percent), .fallback = "80%",
     .min = 1, .max = 100, .explanation = "Used space below which everybody is served again."},
    {"disk-reserve", VALUE_SIZE, AT(struct queue_conf, disk_reserve), .fallback = "500MB",
     .max = 1ULL << 50, .explanation = "Space of the data disk that counts as used.",
     .postfix = "queue_minfree"},
    {"track-days", VALUE_NUMBER, AT(struct queue_conf, track_days), .fallback = "30", .min = 1,
     .max = 3650, .explanation = "Days after which tracking records are removed.",
     .exchange = "MessageTrackingLogMaxAge"},
    {0}};

static const struct schema_key dns_keys[] = {
    {"resolvers", VALUE_ENDPOINTS, LIST_AT(struct dns_conf, resolvers, resolver_count),
     .fallback_words = "the system's", .port = 53,
     .explanation = "Name servers to ask; port 53 where none is given.",
     .exchange = "ExternalDNSServers"},
    {"validate", VALUE_BOOL, AT(struct dns_conf, validate), .fallback = "false",
     .explanation = "Whether answers are proved by DNSSEC. The name servers must pass DNSSEC "
                    "records on; where one strips them, no name of a signed zone is found.",
     .postfix = "smtp_dns_support_level"},
    {"local-zones", VALUE_BOOL, AT(struct dns_conf, local_zones), .fallback = "true",
     .explanation = "Whether special names (RFC 6761: localhost, test, private reverse zones) are "
                    "answered here and never asked for."},
    {0}};

static const struct schema_key acme_keys[] = {
    {"directory", VALUE_TEXT, AT(struct acme_conf, directory),
     .fallback_words = "none, and so no renewal by ACME",
     .explanation = "The https URL of the certificate authority's ACME directory (RFC 8555)."},
    {"contact", VALUE_TEXT, AT(struct acme_conf, contact), .fallback_words = "none",
     .explanation = "The mail address that the authority may write to."},
    {"names", VALUE_NAMES, LIST_AT(struct acme_conf, names, name_count),
     .fallback_words = "the fqdns of the enabled receive connectors that have TLS",
     .explanation = "The names of the certificate; wildcards need dns-01."},
    {"key", VALUE_WORD, AT(struct acme_conf, key), .fallback = "p256", .choices = key_choices,
     .explanation = "The kind of key."},
    {"reuse-key", VALUE_BOOL, AT(struct acme_conf, reuse_key), .fallback = "false",
     .explanation = "Whether renewal keeps the key, so that pins by key and TLSA records of the "
                    "form 3 1 1 stay true."},
    {"challenge", VALUE_WORD, AT(struct acme_conf, challenge), .fallback = "http-01",
     .choices = challenge_choices,
     .explanation = "How the authority is shown that the names are ours: a file on port 80, or a "
                    "DNS record."},
    {"http-bind", VALUE_ENDPOINT, AT(struct acme_conf, http_bind), .fallback = "0.0.0.0:80",
     .port = 80, .explanation = "Where http-01 is answered, only while a challenge is open."},
    {"dns-hook", VALUE_PATH, AT(struct acme_conf, dns_hook), .fallback_words = "none",
     .explanation = "The program that makes and removes the records of dns-01; it gets begin, done "
                    "or failed, then type, name, token and authorisation."},
    {"eab-key-id", VALUE_TEXT, AT(struct acme_conf, eab_key_id), .fallback_words = "none",
     .explanation = "The key identifier of an external account binding."},
    {"eab-key-file", VALUE_PATH, AT(struct acme_conf, eab_key_file), .fallback_words = "none",
     .explanation = "A file with the key of the external account binding, base64url."},
    {"trust-file", VALUE_PATH, AT(struct acme_conf, trust_file),
     .fallback_words = "the system's roots",
     .explanation = "PEM file of the roots that the directory's own certificate is verified by."},
    {"renew-at-percent", VALUE_PERCENT, AT(struct acme_conf, renew_at_percent), .fallback = "66%",
     .min = 10, .max = 95,
     .explanation = "The part of the lifetime after which a certificate is renewed, where the "
                    "authority (ARI, RFC 9773) says nothing."},
    {0}};

static const struct schema_map acme_map = {"acme", sizeof(struct acme_conf), acme_keys};

static const struct schema_key certificate_keys[] = {
    {"directory", VALUE_PATH, AT(struct certificate_conf, directory), .fallback_words = "none",
     .explanation = "A folder of PEM files that are loaded besides those of the data folder.",
     .postfix = "smtpd_tls_chain_files"},
    {"watch", VALUE_PATHS, LIST_AT(struct certificate_conf, watch, watch_count),
     .fallback_words = "none",
     .explanation = "Folders of other tools (certbot, acme.sh, lego, Kubernetes) whose "
                    "certificates are imported as they change, whole pairs only."},
    {"watch-interval", VALUE_DURATION, AT(struct certificate_conf, watch_interval_ms),
     .fallback = "1m", .min = SECOND_MS, .max = DAY_MS,
     .explanation = "How often watched folders are looked at besides the kernel's notices, which "
                    "network file systems do not send."},
    {"sentinel-interval", VALUE_DURATION, AT(struct certificate_conf, sentinel_interval_ms),
     .fallback = "1h", .max = 30 * DAY_MS,
     .explanation =
         "How often the sentinel looks at the own listeners from outside; 0s: only after "
         "changes and on demand."},
    {"acme", VALUE_MAP, AT(struct certificate_conf, acme), .map = &acme_map,
     .explanation = "Certificates that are fetched and renewed by ACME."},
    {0}};

static const struct schema_key log_keys[] = {
    {"level", VALUE_CHOICE, AT(struct log_conf, level), .fallback = "info",
     .choices = level_choices, .explanation = "The least important lines that are written."},
    {"format", VALUE_CHOICE, AT(struct log_conf, json), .fallback = "logfmt",
     .choices = format_choices, .explanation = "The form of a line."},
    {0}};

static const struct schema_map queue_map = {"queue", sizeof(struct queue_conf), queue_keys};
static const struct schema_map dns_map = {"dns", sizeof(struct dns_conf), dns_keys};
static const struct schema_map certificate_map = {"certificates", sizeof(struct certificate_conf),
                                                  certificate_keys};
static const struct schema_map log_map = {"log", sizeof(struct log_conf), log_keys};
const struct schema_map schema_accepted_domain = {
    "an accepted domain", sizeof(struct accepted_domain), accepted_domain_keys};
const struct schema_map schema_receive_connector = {"a receive connector",
                                                    sizeof(struct receive_connector), receive_keys};
const struct schema_map schema_send_connector = {"a send connector", sizeof(struct send_connector),
                                                 send_keys};

static const struct schema_key document_keys[] = {
    {"hostname", VALUE_DOMAIN, .required = true, AT(struct document, hostname),
     .explanation = "The full name of this server: the default for every fqdn, and what its own "
                    "messages come from.",
     .exchange = "Fqdn", .postfix = "myhostname"},
    {"accepted-domains", VALUE_ACCEPTED_DOMAINS,
     LIST_AT(struct document, accepted_domains, accepted_domain_count), .fallback_words = "none",
     .explanation = "Domains whose mail is taken from everyone: \"example.com\", \"*.example.com\" "
                    "(its subdomains), or a map of domain and type.",
     .exchange = "AcceptedDomain", .postfix = "mydestination", .map = &schema_accepted_domain},
    {"receive-connectors", VALUE_NAMED,
     LIST_AT(struct document, receive_connectors, receive_connector_count),
     .map = &schema_receive_connector,
     .explanation = "Where mail comes in: listeners, who may use them, and how.",
     .exchange = "ReceiveConnector", .postfix = "smtpd"},
    {"send-connectors", VALUE_NAMED,
     LIST_AT(struct document, send_connectors, send_connector_count), .map = &schema_send_connector,
     .explanation = "Where mail goes: routes, next hops, and how.", .exchange = "SendConnector",
     .postfix = "transport"},
    {"queue", VALUE_MAP, AT(struct document, queue), .map = &queue_map,
     .explanation = "The queue and back pressure."},
    {"dns", VALUE_MAP, AT(struct document, dns), .map = &dns_map,
     .explanation = "How names are looked up."},
    {"certificates", VALUE_MAP, AT(struct document, certificates), .map = &certificate_map,
     .explanation = "Where certificates come from besides the data folder."},
    {"log", VALUE_MAP, AT(struct document, log), .map = &log_map,
     .explanation = "What is written to standard error."},
    {0}};

const struct schema_map schema_document = {"the document", sizeof(struct document), document_keys};
