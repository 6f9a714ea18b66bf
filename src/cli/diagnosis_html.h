/* diagnosis_html: the diagnosis of an Exchange server (present/exchange_json) as one HTML page that
 * needs nothing else, to attach to a ticket or to print. */
#ifndef CLI_DIAGNOSIS_HTML_H
#define CLI_DIAGNOSIS_HTML_H

#include <jansson.h>

#include "base/buf.h"

void diagnosis_html_add(struct buf *out, const json_t *diagnosis, int64_t now_ms);

#endif
