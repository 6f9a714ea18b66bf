/* certificate_files: small files that are written whole or not at all, and the notes beside a
 * certificate. Private to store/certificates*.c. */
#ifndef STORE_CERTIFICATE_FILES_H
#define STORE_CERTIFICATE_FILES_H

#include "store/certificates.h"

/* In the data folder: copies of what files of the named folder held last. */
#define CERTIFICATES_KEPT "/certificates/kept"

/* Mode 0600, flushed, then renamed into place, and the folder flushed. */
enum err certificate_file_write(const char *folder, const char *name, struct span text) MUST_USE;

/* Lines "key=value"; unknown keys are passed over, a missing file leaves the defaults (services
 * smtp). */
void certificate_notes_read(struct arena *arena, struct span text, struct certificate_meta *meta);
void certificate_notes_add(struct buf *out, const struct certificate_meta *meta);

/* "smtp http" and back; unknown words are ERR_RANGE. */
enum err certificate_services_parse(struct span text, unsigned *services) MUST_USE;

#endif
