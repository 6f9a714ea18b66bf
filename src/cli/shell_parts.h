/* shell_parts: the functions of the cmdlet table. */
#ifndef CLI_SHELL_PARTS_H
#define CLI_SHELL_PARTS_H

#include "cli/shell_cmdlets.h"

/* shell_pipe.c */
cmdlet_fn cmdlet_format_list, cmdlet_format_table, cmdlet_where, cmdlet_select, cmdlet_sort,
    cmdlet_measure, cmdlet_group, cmdlet_for_each, cmdlet_to_json, cmdlet_write_output,
    cmdlet_out_null;
/* shell_plain.c */
cmdlet_fn cmdlet_get_content, cmdlet_set_content, cmdlet_out_file, cmdlet_get_date,
    cmdlet_secure_string, cmdlet_read_host, cmdlet_get_command, cmdlet_get_help, cmdlet_exit;
/* shell_certificates.c, shell_certificates_change.c, shell_certificates_new.c */
cmdlet_fn cmdlet_get_certificate, cmdlet_new_certificate, cmdlet_import_certificate,
    cmdlet_export_certificate, cmdlet_enable_certificate, cmdlet_remove_certificate;
/* shell_connectors.c */
cmdlet_fn cmdlet_get_connector, cmdlet_set_connector, cmdlet_new_connector, cmdlet_remove_connector;
/* shell_queue.c, shell_messages.c */
cmdlet_fn cmdlet_get_queue, cmdlet_suspend_queue, cmdlet_resume_queue, cmdlet_retry_queue,
    cmdlet_get_message, cmdlet_suspend_message, cmdlet_resume_message, cmdlet_remove_message;
/* shell_server.c, shell_events.c */
cmdlet_fn cmdlet_get_transport_service, cmdlet_get_accepted_domain, cmdlet_get_event_log,
    cmdlet_get_win_event;

#endif
