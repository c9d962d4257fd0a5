/* conf/config.h: every setting of the server, typed, and how it gets its value.
 *
 * Layers, weakest first: built-in default, file (YAML), environment (CONSILIUM_SECTION_KEY), command line
 * (`section.key=value`). Later calls never undo a stronger layer, so the order of the calls does not matter.
 *
 *   config_create → config_load_file → config_load_environment → config_set … → config_finish → use → config_free
 *
 * config_finish reads the `*_file` secrets and checks the whole; a config that passed it is safe to use as it stands.
 * Nothing here logs: every error is returned and told in words in `message`, with `file:line` where a file is to blame.
 * One thread, no clock, no socket. The struct owns every string in it.
 */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Enough for the longest message of this module, file name included. */
#define CONFIG_MESSAGE_BYTES 1024

enum config_error {
  CONFIG_OK = 0,
  CONFIG_ERR_MEMORY = -1,
  CONFIG_ERR_FILE = -2,   /* a file cannot be opened or read, or is larger than 1 MiB                   */
  CONFIG_ERR_SYNTAX = -3, /* not YAML, or `section.key=value` without its `=`                            */
  CONFIG_ERR_KEY = -4,    /* no such setting                      */
  CONFIG_ERR_VALUE = -5,  /* the setting does not take this value */
  CONFIG_ERR_SECRET = -6, /* a secret is missing, too short, given twice, or its file is not private    */
};

enum config_layer { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARN, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };
enum config_topology { CONFIG_TOPOLOGY_AUTO, CONFIG_TOPOLOGY_NEVER };
enum config_secrets { CONFIG_SECRETS_MASKED, CONFIG_SECRETS_SHOWN };

/* A list of strings; `items` is NULL when it is empty. */
struct config_list {
  char **items;
  size_t count;
};

/* One entry of RTCConfiguration.iceServers; username and credential are NULL when absent. */
struct config_ice_server {
  struct config_list urls;
  char *username;
  char *credential;
};

/* Strings are never NULL: a setting without a value is "". What each key means: conf/consilium.yaml. */
struct config {
  char *runtime_directory; /* sockets of the workers live here, mode 0700 */
  struct {
    struct config_list listen;       /* "address:port", "[address]:port" */
    struct config_list admin_listen; /* empty: the admin API answers on `listen`, behind the same token        */
    char *tls_certificate;           /* PEM chain; "" = plain HTTP        */
    char *tls_key;
    struct config_list allowed_origins; /* empty: only pages served from the same host                          */
    struct config_list frame_ancestors; /* empty: no page may show ours in a frame                              */
    bool trust_proxy;                   /* behind our own reverse proxy: believe the last X-Forwarded-For element */
    char *web_root;                     /* "" = found beside the program  */
    char *public_url;                   /* what guest links begin with, without a last slash; "" = relative links */
  } http;
  struct {
    char *address;                          /* IPv4 to bind, "" = no IPv4                                      */
    char *address_ipv6;                     /* IPv6 to bind, "" = no IPv6                                      */
    int64_t port;                           /* worker N binds port + N   */
    int64_t workers;                        /* 0 = one per core          */
    struct config_list announced_addresses; /* what candidates say instead of the bound address                */
    int64_t gather_us;                      /* longest wait of a loaded worker for packets to gather; 0: never */
    bool this_machine_only;                 /* hear nothing but the loopback interface, whatever is bound      */
  } media;
  struct {
    int64_t max_participants;
    int64_t empty_linger_seconds;
    int64_t resume_window_seconds;
    struct config_list video_codecs; /* in order of preference: VP8 H264 VP9 AV1 */
    enum config_topology topology;
  } rooms;
  struct {
    int64_t ring_seconds;
  } calls;
  struct {
    char *secret; /* HS256 key, 32 bytes or more */
    char *secret_file;
    int64_t max_lifetime_seconds;
  } tokens;
  struct {
    char *token; /* bearer token of the admin API, 16 bytes or more; "" = admin API off */
    char *token_file;
  } admin;
  struct {
    struct config_ice_server *items;
    size_t count;
  } ice_servers;
  struct {
    char *secret; /* coturn's static-auth-secret; "" = no TURN credentials are made */
    char *secret_file;
    struct config_list urls;
    int64_t ttl_seconds;
  } turn;
  struct {
    int64_t connections;
    int64_t connections_per_address;
    int64_t send_queue_bytes; /* at least config_send_queue_floor() */
    int64_t rooms;
    int64_t drain_seconds;
  } limits;
  struct {
    enum config_log_level level;
    enum config_log_format format;
  } log;
  uint8_t *layers; /* which layer set each setting; private to conf/ */
};

/* A config that holds the defaults. Only CONFIG_ERR_MEMORY. */
int config_create(struct config **out);

/* Accepts NULL. Secrets are wiped before their memory is returned. */
void config_free(struct config *c);

/* Applies a YAML file, or YAML text that error messages call `name`. On error the config must be thrown away. */
int config_load_file(struct config *c, const char *path, char message[CONFIG_MESSAGE_BYTES]);
int config_load_text(struct config *c, const char *text, size_t length, const char *name,
                     char message[CONFIG_MESSAGE_BYTES]);

/* Applies every CONSILIUM_SECTION_KEY of a NULL-ended `NAME=value` array. Lists are comma-separated; ice_servers is a
 * list of URLs. A name that starts with one of our sections but is no setting is an error; other names are skipped. */
int config_load_environment(struct config *c, char *const *environment, char message[CONFIG_MESSAGE_BYTES]);

/* Applies one `section.key=value` from the command line. */
int config_set(struct config *c, const char *assignment, char message[CONFIG_MESSAGE_BYTES]);

/* Reads the `*_file` secrets and checks values against each other. A secret file must be a regular file that others
 * cannot read; one trailing newline is not part of the secret. */
int config_finish(struct config *c, char message[CONFIG_MESSAGE_BYTES]);

/* Writes YAML that config_load_text reads back to the same values; masked secrets read `********`. With secrets shown
 * the `*_file` settings are left out, because their content stands in the secret itself. */
int config_print(const struct config *c, enum config_secrets secrets, FILE *to);

/* Names (comma-separated) the settings that differ and only take effect at a restart. Returns how many there are. */
size_t config_difference(const struct config *old, const struct config *fresh, char *names, size_t capacity);

/* The keys that can be reloaded, and every key with its type: for --help. Writes one `section.key` a line. */
void config_print_keys(FILE *to);

/* Parts of "host:port" as `http.listen` and its kin have it: host without brackets into `host`. Returns the port, or
 * CONFIG_ERR_VALUE. */
int config_split_address(const char *text, char *host, size_t capacity);

/* Whether a numeric address can only be reached from this machine (127.0.0.0/8, ::1; also the name localhost). */
bool config_address_is_loopback(const char *host);

/* A room's snapshot is one message, and who joins has to be able to take it: the chat's history, the waiting room and the slots
 * at their longest with some room for what happens meanwhile, and each participant with the longest name and all its tracks.
 * tests/server/room/snapshot_test.c holds a full room to it. */
#define CONFIG_SNAPSHOT_BYTES             (INT64_C(640) * 1024)
#define CONFIG_SNAPSHOT_PARTICIPANT_BYTES INT64_C(2560)
static inline int64_t config_send_queue_floor(int64_t participants) {
  return CONFIG_SNAPSHOT_BYTES + participants * CONFIG_SNAPSHOT_PARTICIPANT_BYTES;
}

#endif
