/* Defaults of Postfix 3.7 (postconf -d) that an import looks at, or that values like to name. */
#include "postfix/conf.h"

static const struct {
    const char *name, *value;
} defaults[] = {
    {"config_directory", "/etc/postfix"},
    {"data_directory", "/var/lib/postfix"},
    {"default_database_type", "hash"},
    {"default_destination_concurrency_limit", "20"},
    {"default_destination_recipient_limit", "50"},
    {"default_process_limit", "100"},
    {"default_transport", "smtp"},
    {"inet_interfaces", "all"},
    {"inet_protocols", "all"},
    {"lmtp_tcp_port", "24"},
    {"local_transport", "local:$myhostname"},
    {"mail_name", "Postfix"},
    {"maximal_queue_lifetime", "5d"},
    {"message_size_limit", "10240000"},
    {"mydestination", "$myhostname, localhost.$mydomain, localhost"},
    {"mynetworks_style", "host"},
    {"myorigin", "$myhostname"},
    {"delay_warning_time", "0h"},
    {"queue_directory", "/var/spool/postfix"},
    {"relay_transport", "relay"},
    {"smtp_helo_name", "$myhostname"},
    {"smtp_tls_cert_file", ""},
    {"smtp_tls_eccert_file", ""},
    {"smtpd_recipient_limit", "1000"},
    {"smtpd_relay_restrictions",
     "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"},
    {"virtual_transport", "virtual"},
};

const char *postfix_default(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        if (span_eq(name, span_of(defaults[i].name)))
            return defaults[i].value;
    return NULL;
}
