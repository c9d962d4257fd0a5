/* The command line, by argp. */
#include "server/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/version.h"

#define DEFAULT_FILE "/etc/consilium/consilium.yaml"

enum key {
  KEY_DEV = 0x100,
  KEY_LAN,
  KEY_CHECK,
  KEY_PRINT,
  KEY_SET,
  KEY_KEYS,
  KEY_HTTP,
  KEY_MEDIA_PORT,
  KEY_WORKERS,
  KEY_LOG_LEVEL,
  KEY_LOG_FORMAT,
  KEY_ROOM,
  KEY_IDENTITY,
  KEY_NAME,
  KEY_ROLE,
  KEY_TTL,
  KEY_CALLS,
  KEY_WAIT,
};

static const struct argp_option server_options[] = {
    {"config", 'c', "FILE", 0, "Settings, as YAML (default " DEFAULT_FILE ")", 0},
    {"dev", KEY_DEV, NULL, 0, "Try it out on this machine: no settings, http://localhost:8080, links to click", 0},
    {"lan", KEY_LAN, NULL, 0, "As --dev, for the local network: https with a certificate made on the spot", 0},
    {"check-config", KEY_CHECK, NULL, 0, "Check the settings and end: 0 when they are good, 2 when not", 1},
    {"print-config", KEY_PRINT, NULL, 0, "Print the settings that apply, secrets masked, and end", 1},
    {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "One setting, over file and environment; may be repeated", 2},
    {"keys", KEY_KEYS, NULL, 0, "List every SECTION.KEY and end", 2},
    {"http", KEY_HTTP, "ADDRESS:PORT", 0, "http.listen", 3},
    {"media-port", KEY_MEDIA_PORT, "PORT", 0, "media.port: UDP port of the first worker", 3},
    {"workers", KEY_WORKERS, "N", 0, "media.workers; 0: one per core", 3},
    {"log-level", KEY_LOG_LEVEL, "LEVEL", 0, "log.level: error, warn, info or debug", 3},
    {"log-format", KEY_LOG_FORMAT, "FORMAT", 0, "log.format: text or json", 3},
    {0}};

static const struct argp_option token_options[] = {
    {"config", 'c', "FILE", 0, "Settings with the secret (default " DEFAULT_FILE ")", 0},
    {"set", KEY_SET, "SECTION.KEY=VALUE", 0, "One setting, such as tokens.secret_file=FILE", 0},
    {"room", KEY_ROOM, "ROOM", 0, "The one room that the token opens", 1},
    {"identity", KEY_IDENTITY, "ID", 0, "Who this is, for your own records", 1},
    {"name", KEY_NAME, "TEXT", 0, "What others see (default: the identity)", 1},
    {"role", KEY_ROLE, "ROLE", 0, "doctor, patient, interpreter, observer or admin (default patient)", 1},
    {"ttl", KEY_TTL, "SECONDS", 0, "How long it can be used to join (default 600)", 1},
    {"calls", KEY_CALLS, NULL, 0, "May call others; without --room it waits for a call in the lobby", 1},
    {"wait", KEY_WAIT, NULL, 0, "Begins in the waiting room", 1},
    {0}};

static void add_set(struct options *o, struct argp_state *state, const char *assignment) {
  if (o->set_count == OPTIONS_SETS_MAX) argp_error(state, "more than %d settings", OPTIONS_SETS_MAX);
  o->sets[o->set_count++] = assignment;
}

static void add_short(struct options *o, struct argp_state *state, const char *name, const char *value) {
  char *text = NULL;
  if (asprintf(&text, "%s=%s", name, value) < 0) argp_failure(state, 1, 0, "out of memory");
  if (o->set_count < OPTIONS_SETS_MAX) o->owned[o->set_count] = text;
  add_set(o, state, text);
}

static int parse_common(struct options *o, int key, const char *arg, struct argp_state *state) {
  switch (key) {
    case 'c':
      o->file = arg;
      return 0;
    case KEY_SET:
      add_set(o, state, arg);
      return 0;
    case ARGP_KEY_ARG:
      argp_error(state, "\"%s\": no such command", arg);
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_server(int key, char *arg, struct argp_state *state) {
  struct options *o = state->input;
  switch (key) {
    case KEY_LAN:
      o->lan = true;
      o->dev = true;
      return 0;
    case KEY_DEV:
      o->dev = true;
      return 0;
    case KEY_CHECK:
      o->action = OPTIONS_CHECK_CONFIG;
      return 0;
    case KEY_PRINT:
      o->action = OPTIONS_PRINT_CONFIG;
      return 0;
    case KEY_KEYS:
      config_print_keys(stdout);
      exit(0);
    case KEY_HTTP:
      add_short(o, state, "http.listen", arg);
      return 0;
    case KEY_MEDIA_PORT:
      add_short(o, state, "media.port", arg);
      return 0;
    case KEY_WORKERS:
      add_short(o, state, "media.workers", arg);
      return 0;
    case KEY_LOG_LEVEL:
      add_short(o, state, "log.level", arg);
      return 0;
    case KEY_LOG_FORMAT:
      add_short(o, state, "log.format", arg);
      return 0;
    default:
      return parse_common(o, key, arg, state);
  }
}

static error_t parse_token(int key, char *arg, struct argp_state *state) {
  struct options *o = state->input;
  char *end = NULL;
  switch (key) {
    case KEY_ROOM:
      o->token.room = arg;
      return 0;
    case KEY_IDENTITY:
      o->token.identity = arg;
      return 0;
    case KEY_NAME:
      o->token.name = arg;
      return 0;
    case KEY_ROLE:
      o->token.role = arg;
      return 0;
    case KEY_TTL: {
      long seconds = strtol(arg, &end, 10);
      if (*end || seconds < 1 || seconds > 604800) argp_error(state, "--ttl: 1 to 604800 seconds");
      o->token.ttl_seconds = (int)seconds;
      return 0;
    }
    case KEY_CALLS:
      o->token.calls = true;
      return 0;
    case KEY_WAIT:
      o->token.wait = true;
      return 0;
    case ARGP_KEY_END:
      if (!o->token.identity || (!o->token.room && !o->token.calls))
        argp_error(state, "--identity and, without --calls, --room are needed");
      return 0;
    default:
      return parse_common(o, key, arg, state);
  }
}

static const char server_doc[] =
    "Consilium, an SFU media server for medical consultations.\v"
    "Settings come from the command line, the environment (CONSILIUM_SECTION_KEY), the file and defaults, in this "
    "order.\n"
    "`consilium token --help` tells how to make an access token. SIGHUP reloads, SIGTERM and SIGINT end.";

void options_parse(struct options *o, int argc, char **argv) {
  *o = (struct options){.token = {.role = "patient", .ttl_seconds = 600}};
  argp_program_version_hook = version_print;
  if (argc > 1 && strcmp(argv[1], "token") == 0) {
    static char name[] = "consilium token";
    const struct argp argp = {token_options, parse_token, NULL, "Prints a signed access token.", NULL, NULL, NULL};
    o->action = OPTIONS_TOKEN;
    argv[1] = name;
    argp_parse(&argp, argc - 1, argv + 1, 0, NULL, o);
    if (!o->token.name) o->token.name = o->token.identity;
    return;
  }
  const struct argp argp = {server_options, parse_server, NULL, server_doc, NULL, NULL, NULL};
  argp_parse(&argp, argc, argv, 0, NULL, o);
}

void options_free(struct options *o) {
  for (size_t i = 0; i < OPTIONS_SETS_MAX; i++)
    free(o->owned[i]);
  if (o->dev_settings) explicit_bzero(o->dev_settings, strlen(o->dev_settings));
  free(o->dev_settings);
}

const char *options_config_file(const struct options *o) {
  if (o->file) return o->file;
  const char *named = getenv("CONSILIUM_CONFIG");
  if (named && *named) return named;
  return !o->dev && access(DEFAULT_FILE, F_OK) == 0 ? DEFAULT_FILE : NULL;
}

int options_load_config(const struct options *o, struct config **out, char message[CONFIG_MESSAGE_BYTES]) {
  extern char **environ;
  struct config *c = NULL;
  const char *file = options_config_file(o);
  snprintf(message, CONFIG_MESSAGE_BYTES, "out of memory");
  int error = config_create(&c);
  if (!error && o->dev_settings)
    error = config_load_text(c, o->dev_settings, strlen(o->dev_settings), "--dev", message);
  if (!error && file) error = config_load_file(c, file, message);
  if (!error) error = config_load_environment(c, environ, message);
  for (size_t i = 0; i < o->set_count && !error; i++)
    error = config_set(c, o->sets[i], message);
  if (!error) error = config_finish(c, message);
  if (error)
    config_free(c);
  else
    *out = c;
  return error;
}
