/* problem: collecting what is wrong with a document, with its place in the text. */
#ifndef CONF_PROBLEM_H
#define CONF_PROBLEM_H

#include "conf/document.h"
#include "conf/tree.h"

/* Records one problem of the value `at` (place and path are its). NULL: of the document as a whole.
 * Past DOCUMENT_PROBLEMS_MAX only the count of errors goes on; an error then takes the place of a
 * warning. */
void problem_error(struct problems *problems, const struct node *at, struct span remedy,
                   const char *format, ...) PRINTF_LIKE(4, 5);
void problem_warning(struct problems *problems, const struct node *at, struct span remedy,
                     const char *format, ...) PRINTF_LIKE(4, 5);
/* An error of the text itself, before there is a tree. */
void problem_syntax(struct problems *problems, unsigned line, unsigned column, struct span remedy,
                    const char *format, ...) PRINTF_LIKE(5, 6);
/* Orders them as they stand in the text. */
void problems_sort(struct problems *problems);

#endif
