#include "mail/dsn_part.h"

#include "base/text.h"

enum {
    COLUMNS = 76,
    WORD_MAX = 900, /* with name and indent still below the 998 of RFC 5322 section 2.1.1 */
};

void dsn_add_safe(struct buf *out, struct span text, bool utf8)
{
    bool keep_8bit = utf8 && text_is_utf8(text);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool fits = (unsigned char)c > 127 ? keep_8bit : text_is_printable(c);
        buf_add_char(out, fits ? c : c == '\t' ? ' ' : '?');
    }
}

/* As much of the word as a line can hold, without cutting a character. */
static struct span word_piece(struct span word)
{
    if (word.n <= WORD_MAX)
        return word;
    size_t n = WORD_MAX;
    while (n > WORD_MAX - 4 && ((unsigned char)word.p[n] & 0xC0) == 0x80)
        n--;
    return span_head(word, n);
}

void dsn_add_folded(struct buf *out, size_t column, const char *indent, struct span text, bool utf8)
{
    struct buf safe = BUF_INIT(BUF_UNLIMITED);
    dsn_add_safe(&safe, text, utf8);
    struct span rest = buf_span(&safe), word;
    bool first = true;
    while (span_cut(&rest, ' ', &word)) {
        while (word.n) {
            struct span piece = word_piece(word);
            word = span_skip(word, piece.n);
            if (!first && column + 1 + piece.n > COLUMNS) {
                buf_addf(out, "\r\n%s", indent);
                column = strlen(indent);
            } else if (!first) {
                buf_add_char(out, ' ');
                column++;
            }
            buf_add(out, piece);
            column += piece.n;
            first = false;
        }
    }
    buf_done(&safe);
}
