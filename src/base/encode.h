/* encode: the few encodings that mail and its records need. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/buf.h"

/* Decoders add all or nothing. */

/* Lower-case hexadecimal. */
void encode_hex(struct buf *out, struct span bytes);

/* RFC 4648 section 4, padded, no line breaks. */
void encode_base64(struct buf *out, struct span bytes);
enum err decode_base64(struct buf *out, struct span text) MUST_USE;

/* xtext, RFC 3461 section 4: "+", "=" and all outside %d33-126 become "+XX". */
void encode_xtext(struct buf *out, struct span text);
enum err decode_xtext(struct buf *out, struct span text) MUST_USE;

/* A logfmt value: bare where that is unambiguous, else quoted with \" \\ \n \xNN. */
void encode_logfmt(struct buf *out, struct span text);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void encode_json(struct buf *out, struct span text);

#endif
