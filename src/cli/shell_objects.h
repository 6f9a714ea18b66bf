/* shell_objects: the daemon's answers as the objects that Exchange's cmdlets put out. */
#ifndef CLI_SHELL_OBJECTS_H
#define CLI_SHELL_OBJECTS_H

#include "cli/shell_cmdlets.h"

/* GET of a target, which is released. NULL after a failure; to be released by the caller. */
json_t *objects_get(struct shell *s, struct buf *target);
json_t *objects_get_path(struct shell *s, const char *path);

void objects_set_text(struct shell *s, struct shell_value *object, const char *name,
                      struct span text); /* empty: null */
void objects_set_bool(struct shell *s, struct shell_value *object, const char *name, bool flag);
void objects_set_number(struct shell *s, struct shell_value *object, const char *name,
                        double number);
/* 0: null */
void objects_set_time(struct shell *s, struct shell_value *object, const char *name, int64_t ms);
/* An array of texts as a list. */
struct shell_value *objects_list(struct shell *s, const json_t *array);

/* "SMTP", "IIS": what Exchange calls Sealpost's service; and back, NULL where there is none. */
const char *objects_service(struct span name);
const char *objects_service_here(struct span exchange);

struct shell_value *objects_certificate(struct shell *s, const json_t *certificate);

/* -Services as an array under a key: in Sealpost's words. False where one is not known here. */
bool certificates_services(struct cmdlet_call *call, json_t *body, const char *key);
/* Warns where -PrivateKeyExportable asks for what keys are not here. */
void certificates_exportable(const struct cmdlet_call *call);

#endif
