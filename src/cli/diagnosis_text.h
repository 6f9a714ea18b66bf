/* diagnosis_text: the diagnosis of an Exchange server (present/exchange_json) for a person to read.
 */
#ifndef CLI_DIAGNOSIS_TEXT_H
#define CLI_DIAGNOSIS_TEXT_H

#include <jansson.h>

#include "cli/terminal.h"

void diagnosis_add(struct buf *out, const struct terminal *t, const json_t *diagnosis);

#endif
