#include "cli/findings.h"

#include <stdio.h>

#include "cli/answer.h"
#include "cli/events.h"

enum { LABEL_WIDTH = 14 };

static size_t add_part(struct buf *out, const struct terminal *t, const char *label,
                       struct span text)
{
    char padded[LABEL_WIDTH + 1];
    if (text.n == 0)
        return 0;
    snprintf(padded, sizeof(padded), "  %-*s", LABEL_WIDTH - 2, label);
    terminal_add(out, t, STYLE_FAINT, span_of(padded));
    return wrap_add(out, t, STYLE_PLAIN, text, LABEL_WIDTH, LABEL_WIDTH);
}

size_t remedy_add(struct buf *out, const struct terminal *t, struct span remedy)
{
    struct span line;
    size_t lines = 0;
    while (span_cut(&remedy, '\n', &line))
        lines += add_part(out, t, lines ? "or" : "remedy", line);
    return lines;
}

size_t finding_add(struct buf *out, const struct terminal *t, const json_t *finding, bool in_full)
{
    struct span subject = answer_text(finding, "subject"), text = answer_text(finding, "text");
    struct buf head = BUF_INIT(BUF_UNLIMITED);
    buf_addf(&head, "%lld " SPAN_FMT ": " SPAN_FMT, (long long)answer_number(finding, "id"),
             SPAN_ARG(subject), SPAN_ARG(text));
    size_t lines = wrap_add(out, t, level_style(answer_text(finding, "level")), buf_span(&head), 0,
                            LABEL_WIDTH);
    buf_done(&head);
    if (in_full)
        lines += add_part(out, t, "evidence", answer_text(finding, "evidence"));
    lines += add_part(out, t, "consequence", answer_text(finding, "consequence"));
    return lines + remedy_add(out, t, answer_text(finding, "remedy"));
}
