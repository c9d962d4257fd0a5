/* server/options.h: the command line of `consilium`, and the config that it, the environment and the file add up to.
 */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/config.h"

#define OPTIONS_SETS_MAX 64

enum options_action { OPTIONS_RUN, OPTIONS_CHECK_CONFIG, OPTIONS_PRINT_CONFIG, OPTIONS_TOKEN };

struct options {
  enum options_action action;
  bool dev;
  bool lan;                           /* implies dev */
  const char *file;                   /* -c, or NULL */
  const char *sets[OPTIONS_SETS_MAX]; /* section.key=value, in order; point into argv or `owned` */
  char *owned[OPTIONS_SETS_MAX];
  size_t set_count;
  char *dev_settings; /* YAML of what --dev sets, made once so that a reload keeps its secrets; NULL without --dev */
  struct {            /* `consilium token` */
    const char *room, *identity, *name, *role;
    int ttl_seconds;
    bool calls, wait;
  } token;
};

/* Parses argv. Prints help, version or a usage error itself and then ends the process, as argp does. */
void options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* The file that is read: -c, else $CONSILIUM_CONFIG, else /etc/consilium/consilium.yaml if it exists and this is not
 * --dev; NULL: none. */
const char *options_config_file(const struct options *o);

/* Builds the config from file, --dev's settings, environment and --set, and finishes it. Returns 0 and *out, or an
 * enum config_error and words in `message`. */
int options_load_config(const struct options *o, struct config **out, char message[CONFIG_MESSAGE_BYTES]);

#endif
