/* text: character classes and UTF-8, always in the C locale's sense. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/span.h"

static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
static inline char text_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}
static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool text_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool text_is_alnum(char c)
{
    return text_is_alpha(c) || text_is_digit(c);
}
/* %d32-126 */
static inline bool text_is_printable(char c)
{
    return c >= 32 && c < 127;
}
/* The value of a hexadecimal digit, or -1. */
int text_hex(char c);

/* Lowers ASCII letters in place. */
void text_lower_all(char *p, size_t n);
bool text_is_ascii(struct span s);
/* Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(struct span s);
/* Matches a pattern with '*' (any run, also empty) and '?' (one byte), ASCII case folded. */
bool text_glob(struct span pattern, struct span s);

#endif
