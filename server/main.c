/* One binary, three kinds of process: the supervisor, which people start, and the gateway and the workers, which it starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/child.h"
#include "server/gateway/gateway.h"
#include "server/log.h"
#include "server/options.h"
#include "server/supervisor/development.h"
#include "server/supervisor/supervisor.h"
#include "server/token_command.h"
#include "server/worker/worker.h"

/* `consilium gateway [--dev]` and `consilium worker N`. */
static int run_child(int argc, char **argv) {
  bool worker = strcmp(argv[1], "worker") == 0;
  int index = worker && argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
  char name[16], message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  if (worker)
    snprintf(name, sizeof name, "worker-%d", index);
  else
    snprintf(name, sizeof name, "gateway");
  if (child_begin(name) != 0) {
    fprintf(stderr, "consilium: \"%s\" is started by the supervisor only\n", argv[1]);
    return 1;
  }
  if (child_read_config(&c, message) != CONFIG_OK) {
    fprintf(stderr, "consilium: %s: %s\n", name, message);
    return CHILD_EXIT_SETTINGS;
  }
  log_configure(c->log.level, c->log.format, name);
  int status;
  if (worker) {
    const struct worker_options options = {.index = index, .config = c, .name = name};
    status = worker_main(&options);
    config_free(c);
  } else {
    status = gateway_main(c, argc > 2 && strcmp(argv[2], "--dev") == 0); /* owns c: a reload replaces it */
  }
  return status;
}

static int check_or_print(struct options *o) {
  char message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  struct development_addresses addresses;
  if (o->dev) {
    development_find_addresses(&addresses);
    o->dev_settings = development_settings(&addresses, o->lan, message, sizeof message);
  }
  if (options_load_config(o, &c, message) != CONFIG_OK) {
    fprintf(stderr, "consilium: %s\n", message);
    return 2;
  }
  if (o->action == OPTIONS_PRINT_CONFIG)
    config_print(c, CONFIG_SECRETS_MASKED, stdout);
  else
    printf("%s: the settings are good\n", options_config_file(o) ? options_config_file(o) : "no file");
  config_free(c);
  return 0;
}

int main(int argc, char **argv) {
  struct options options;
  int status = 0;
  if (argc > 1 && (strcmp(argv[1], "gateway") == 0 || strcmp(argv[1], "worker") == 0)) return run_child(argc, argv);
  options_parse(&options, argc, argv);
  switch (options.action) {
    case OPTIONS_RUN:
      status = supervisor_main(&options);
      break;
    case OPTIONS_CHECK_CONFIG:
    case OPTIONS_PRINT_CONFIG:
      status = check_or_print(&options);
      break;
    case OPTIONS_TOKEN:
      status = token_command_main(&options);
      break;
  }
  options_free(&options);
  return status;
}
