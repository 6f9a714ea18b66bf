/* Everything up to a line "----" is main.cf, what follows is master.cf. Each parameter is expanded,
 * for no service and for each. */
#include "postfix/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand_all(const struct postfix_conf *conf, const struct postfix_service *service)
{
    struct span value;
    for (size_t i = 0; i < conf->parameter_count && i < 50; i++)
        (void)!postfix_get(conf, service, conf->parameters[i].name, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct postfix_conf conf = {.arena = &arena, .host = SPAN("mx.example.test")};
    struct buf why = BUF_INIT(BUF_UNLIMITED);
    struct span text = span_make((const char *)data, size);
    size_t cut = span_search(text, SPAN("----\n"));
    bool main_read = postfix_main_read(&conf, span_head(text, cut), &why) == OK;
    bool master_read = postfix_master_read(&conf, span_skip(text, cut + 5), &why) == OK;
    if (main_read)
        expand_all(&conf, NULL);
    for (size_t i = 0; main_read && master_read && i < conf.service_count && i < 20; i++)
        expand_all(&conf, &conf.services[i]);
    buf_done(&why);
    arena_done(&arena);
    return 0;
}
