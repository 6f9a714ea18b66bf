#include "bench/content.h"

/* A run of whole and cut lines up to the first that begins with a dot. */
static struct span take_lines(struct content *c, struct span *input)
{
    size_t at = span_search(*input, SPAN("\r\n."));
    struct span run = span_head(*input, at < input->n ? at + 2 : at);
    *input = span_skip(*input, run.n);
    c->state = CONTENT_LINE;
    if (run.p[run.n - 1] == '\r')
        c->state = CONTENT_CR;
    else if (run.n >= 2 && run.p[run.n - 1] == '\n' && run.p[run.n - 2] == '\r')
        c->state = CONTENT_LINE_START;
    return run;
}

bool content_next(struct content *c, struct span *input, struct span *piece)
{
    while (input->n && c->state != CONTENT_END) {
        char first = *input->p;
        switch (c->state) {
        case CONTENT_LINE_START:
            if (first != '.') {
                *piece = take_lines(c, input);
                return true;
            }
            c->state = CONTENT_DOT;
            *input = span_skip(*input, 1);
            break;
        case CONTENT_DOT:
            c->state = first == '\r' ? CONTENT_DOT_CR : CONTENT_LINE;
            if (first == '\r')
                *input = span_skip(*input, 1);
            break;
        case CONTENT_DOT_CR:
            if (first != '\n') { /* the dot was stuffed before a bare CR */
                c->state = CONTENT_LINE;
                *piece = SPAN("\r");
                return true;
            }
            c->state = CONTENT_END;
            *input = span_skip(*input, 1);
            break;
        case CONTENT_CR:
            if (first == '\n') {
                c->state = CONTENT_LINE_START;
                *piece = span_head(*input, 1);
                *input = span_skip(*input, 1);
                return true;
            }
            c->state = CONTENT_LINE;
            break;
        default: *piece = take_lines(c, input); return true;
        }
    }
    return false;
}
