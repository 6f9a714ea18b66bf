/* diagnose: what is wrong with an Exchange server, from whatever its administrator has at hand. No
 * daemon is needed, nothing is changed, and nothing leaves this machine. */
#include "cli/answer.h"
#include "cli/diagnosis_text.h"
#include "cli/verbs.h"
#include "exchange/case.h"
#include "policy/diagnose_exchange.h"
#include "present/exchange_json.h"

static int read_input(struct command *c, struct exchange_case *exchange, struct span file)
{
    struct buf content = BUF_INIT(BUF_UNLIMITED), why = BUF_INIT(BUF_UNLIMITED);
    int code = CLI_REFUSED;
    if (command_read_file(c, file, EXCHANGE_INPUT_MAX, &content) == OK) {
        struct span name = span_eq(file, SPAN("-")) ? SPAN("(standard input)") : file;
        code =
            exchange_case_read(exchange, name, buf_span(&content), &why) == OK
                ? CLI_DONE
                : command_refusef(c, "hand over the part that matters, or split the file",
                                  SPAN_FMT ": " SPAN_FMT, SPAN_ARG(name), SPAN_ARG(buf_span(&why)));
    }
    buf_done(&content);
    buf_done(&why);
    return code;
}

static int read_inputs(struct command *c, struct exchange_case *exchange)
{
    int code = CLI_DONE;
    for (size_t i = 0; code == CLI_DONE && i < command_word_count(c); i++)
        code = read_input(c, exchange, command_word(c, i));
    if (command_word_count(c) == 0)
        code = read_input(c, exchange, SPAN("-"));
    return code;
}

static int show(struct command *c, const json_t *diagnosis)
{
    if (c->json)
        command_print_json(c, diagnosis);
    else
        diagnosis_add(&c->out, &c->terminal, diagnosis);
    return span_eq(answer_text(diagnosis, "health"), SPAN("red")) ? CLI_REFUSED : CLI_DONE;
}

int run_diagnose(struct command *c)
{
    int64_t at_ms = c->now_ms;
    struct exchange_case *exchange = exchange_case_new();
    int code = command_moment(c, "at", &at_ms) == OK ? read_inputs(c, exchange) : CLI_USAGE;
    if (code == CLI_DONE) {
        exchange_case_finish(exchange);
        struct exchange_diagnosis diagnosis = diagnose_exchange(&c->arena, exchange, at_ms);
        json_t *value = exchange_diagnosis_to_json(&diagnosis, exchange);
        code = show(c, value);
        json_decref(value);
    }
    exchange_case_free(exchange);
    return code;
}
