/* The table of settings and the ways a value gets into the struct. */
#include "conf/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const codecs[] = {"VP8", "H264", "VP9", "AV1", NULL};
static const char *const topologies[] = {"auto", "never", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const switches[] = {"false", "true", NULL};
static const char *const formats[] = {"text", "json", NULL};

/* NOLINTBEGIN(bugprone-macro-parentheses): names of fields, and parts of an initializer */
#define AT(field) offsetof(struct config, field)
#define TEXT(section, key, fallback, flags) \
  { #section, #key, AT(section.key), fallback, 0, 0, NULL, SETTING_TEXT, flags }
#define LIST(section, key, fallback, items, flags) \
  { #section, #key, AT(section.key), fallback, 0, 64, items, SETTING_LIST, flags }
#define NUMBER(section, key, fallback, min, max, flags) \
  { #section, #key, AT(section.key), fallback, min, max, NULL, SETTING_NUMBER, flags }
#define SWITCH(section, key, fallback, flags) \
  { #section, #key, AT(section.key), fallback, 0, 0, switches, SETTING_SWITCH, flags }
#define CHOICE(section, key, fallback, names, flags) \
  { #section, #key, AT(section.key), fallback, 0, 0, names, SETTING_CHOICE, flags }
/* NOLINTEND(bugprone-macro-parentheses) */

const struct setting settings[] = {
    {"", "runtime_directory", AT(runtime_directory), "/run/consilium", 0, 0, NULL, SETTING_TEXT, 0},
    LIST(http, listen, "127.0.0.1:8080", NULL, 0),
    LIST(http, admin_listen, "127.0.0.1:8081", NULL, 0),
    TEXT(http, tls_certificate, "", 0),
    TEXT(http, tls_key, "", 0),
    LIST(http, allowed_origins, "", NULL, 0),
    LIST(http, frame_ancestors, "", NULL, 0),
    SWITCH(http, trust_proxy, "false", 0),
    TEXT(http, web_root, "", 0),
    TEXT(http, public_url, "", SETTING_RELOAD),
    TEXT(media, address, "127.0.0.1", 0),
    TEXT(media, address_ipv6, "", 0),
    NUMBER(media, port, "40000", 1, 65535, 0),
    NUMBER(media, workers, "0", 0, 256, 0),
    LIST(media, announced_addresses, "", NULL, 0),
    NUMBER(media, gather_us, "2000", 0, 2000, 0),
    SWITCH(media, this_machine_only, "false", 0),
    NUMBER(rooms, max_participants, "100", 2, 1000, 0),
    NUMBER(rooms, empty_linger_seconds, "30", 0, 86400, 0),
    NUMBER(rooms, resume_window_seconds, "60", 0, 3600, 0),
    LIST(rooms, video_codecs, "VP8,H264", codecs, 0),
    CHOICE(rooms, topology, "auto", topologies, 0),
    NUMBER(calls, ring_seconds, "45", 1, 600, SETTING_RELOAD),
    TEXT(tokens, secret, "", SETTING_SECRET | SETTING_RELOAD),
    TEXT(tokens, secret_file, "", SETTING_SECRET_FILE | SETTING_RELOAD),
    NUMBER(tokens, max_lifetime_seconds, "3600", 10, 604800, SETTING_RELOAD),
    TEXT(admin, token, "", SETTING_SECRET | SETTING_RELOAD),
    TEXT(admin, token_file, "", SETTING_SECRET_FILE | SETTING_RELOAD),
    {"", "ice_servers", AT(ice_servers), "", 0, 16, NULL, SETTING_SERVERS, SETTING_SECRET | SETTING_RELOAD},
    TEXT(turn, secret, "", SETTING_SECRET | SETTING_RELOAD),
    TEXT(turn, secret_file, "", SETTING_SECRET_FILE | SETTING_RELOAD),
    LIST(turn, urls, "", NULL, SETTING_RELOAD),
    NUMBER(turn, ttl_seconds, "3600", 60, 604800, SETTING_RELOAD),
    NUMBER(limits, connections, "4000", 1, 1000000, 0),
    NUMBER(limits, connections_per_address, "100", 1, 1000000, 0),
    NUMBER(limits, send_queue_bytes, "1048576", 65536, 67108864, 0),
    NUMBER(limits, rooms, "1000", 1, 100000, SETTING_RELOAD),
    NUMBER(limits, drain_seconds, "0", 0, 86400, SETTING_RELOAD),
    CHOICE(log, level, "info", levels, SETTING_RELOAD),
    CHOICE(log, format, "text", formats, SETTING_RELOAD),
};
const size_t settings_count = sizeof settings / sizeof *settings;

void wipe(void *bytes, size_t length) {
  volatile unsigned char *p = bytes;
  while (length--)
    *p++ = 0;
}

void setting_name(const struct setting *s, char *name, size_t capacity) {
  snprintf(name, capacity, "%s%s%s", s->section, *s->section ? "." : "", s->key);
}

const struct setting *setting_find(const char *name) {
  char own[96];
  for (size_t i = 0; i < settings_count; i++) {
    setting_name(&settings[i], own, sizeof own);
    if (strcmp(own, name) == 0) return &settings[i];
  }
  return NULL;
}

void *setting_at(const struct config *c, const struct setting *s) {
  return (char *)c + s->offset;
}

enum config_layer setting_layer(const struct config *c, const struct setting *s) {
  return (enum config_layer)c->layers[s - settings];
}

static bool outranked(struct config *c, const struct setting *s, enum config_layer layer) {
  if (c->layers[s - settings] > layer) return true;
  c->layers[s - settings] = (uint8_t)layer;
  return false;
}

static void free_text(char *text, bool secret) {
  if (text && secret) wipe(text, strlen(text));
  free(text);
}

static void clear_list(struct config_list *list) {
  for (size_t i = 0; i < list->count; i++)
    free(list->items[i]);
  free(list->items);
  *list = (struct config_list){0};
}

static void clear_servers(struct config *c) {
  for (size_t i = 0; i < c->ice_servers.count; i++) {
    clear_list(&c->ice_servers.items[i].urls);
    free(c->ice_servers.items[i].username);
    free_text(c->ice_servers.items[i].credential, true);
  }
  free(c->ice_servers.items);
  c->ice_servers.items = NULL;
  c->ice_servers.count = 0;
}

void setting_clear(struct config *c, const struct setting *s) {
  if (s->kind == SETTING_TEXT) {
    char **at = setting_at(c, s);
    free_text(*at, s->flags & SETTING_SECRET);
    *at = NULL;
  } else if (s->kind == SETTING_LIST) {
    clear_list(setting_at(c, s));
  } else if (s->kind == SETTING_SERVERS) {
    clear_servers(c);
  }
}

static int copy_list(struct config_list *to, char *const *items, size_t count) {
  struct config_list list = {NULL, 0};
  if (count > 0 && !(list.items = calloc(count, sizeof *list.items))) return CONFIG_ERR_MEMORY;
  for (; list.count < count; list.count++) {
    if (!(list.items[list.count] = strdup(items[list.count]))) {
      clear_list(&list);
      return CONFIG_ERR_MEMORY;
    }
  }
  clear_list(to);
  *to = list;
  return CONFIG_OK;
}

static int choice_index(const char *const *choices, const char *text) {
  for (int i = 0; choices[i]; i++)
    if (strcmp(choices[i], text) == 0) return i;
  return -1;
}

static int refuse_choice(const struct setting *s, const char *text, char *why, size_t capacity) {
  int n = snprintf(why, capacity, "\"%.40s\" is none of", text);
  for (size_t i = 0; s->choices[i] && n > 0 && (size_t)n < capacity; i++)
    n += snprintf(why + n, capacity - (size_t)n, "%s %s", i ? "," : "", s->choices[i]);
  return CONFIG_ERR_VALUE;
}

int setting_assign_number(struct config *c, const struct setting *s, enum config_layer layer, int64_t number, char *why,
                          size_t capacity) {
  if (number < s->min || number > s->max) {
    snprintf(why, capacity, "%" PRId64 " is not between %" PRId64 " and %" PRId64, number, s->min, s->max);
    return CONFIG_ERR_VALUE;
  }
  if (!outranked(c, s, layer)) *(int64_t *)setting_at(c, s) = number;
  return CONFIG_OK;
}

int setting_assign_list(struct config *c, const struct setting *s, enum config_layer layer, char *const *items,
                        size_t count, char *why, size_t capacity) {
  if (count > (size_t)s->max) {
    snprintf(why, capacity, "has %zu entries, more than %" PRId64, count, s->max);
    return CONFIG_ERR_VALUE;
  }
  for (size_t i = 0; i < count; i++) {
    if (!*items[i]) {
      snprintf(why, capacity, "entry %zu is empty", i + 1);
      return CONFIG_ERR_VALUE;
    }
    if (s->choices && choice_index(s->choices, items[i]) < 0) return refuse_choice(s, items[i], why, capacity);
  }
  return outranked(c, s, layer) ? CONFIG_OK : copy_list(setting_at(c, s), items, count);
}

int setting_assign_servers(struct config *c, const struct setting *s, enum config_layer layer,
                           const struct config_ice_server *servers, size_t count) {
  if (outranked(c, s, layer)) return CONFIG_OK;
  clear_servers(c);
  if (count == 0) return CONFIG_OK;
  if (!(c->ice_servers.items = calloc(count, sizeof *c->ice_servers.items))) return CONFIG_ERR_MEMORY;
  for (size_t i = 0; i < count; i++) {
    struct config_ice_server *to = &c->ice_servers.items[c->ice_servers.count++];
    if (copy_list(&to->urls, servers[i].urls.items, servers[i].urls.count)) return CONFIG_ERR_MEMORY;
    if (servers[i].username && !(to->username = strdup(servers[i].username))) return CONFIG_ERR_MEMORY;
    if (servers[i].credential && !(to->credential = strdup(servers[i].credential))) return CONFIG_ERR_MEMORY;
  }
  return CONFIG_OK;
}

/* Splits "a, b,c" in place of `text` into at most `max` items; returns how many there are (max + 1: too many). */
static size_t split(char *text, char **items, size_t max) {
  size_t count = 0;
  char *rest = NULL;
  for (char *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
    while (*item == ' ')
      item++;
    char *end = item + strlen(item);
    while (end > item && end[-1] == ' ')
      *--end = '\0';
    if (count == max) return max + 1;
    items[count++] = item;
  }
  return count;
}

static int assign_joined(struct config *c, const struct setting *s, enum config_layer layer, const char *text,
                         char *why, size_t capacity) {
  char *items[64];
  struct config_ice_server servers[64] = {0};
  char *copy = strdup(text);
  if (!copy) return CONFIG_ERR_MEMORY;
  int result = CONFIG_ERR_VALUE;
  size_t count = split(copy, items, (size_t)s->max);
  if (count > (size_t)s->max) {
    snprintf(why, capacity, "has more than %" PRId64 " entries", s->max);
  } else if (s->kind == SETTING_LIST) {
    result = setting_assign_list(c, s, layer, items, count, why, capacity);
  } else {
    for (size_t i = 0; i < count; i++)
      servers[i].urls = (struct config_list){&items[i], 1};
    result = setting_assign_servers(c, s, layer, servers, count);
  }
  if (s->flags & SETTING_SECRET) wipe(copy, strlen(text));
  free(copy);
  return result;
}

int setting_assign_text(struct config *c, const struct setting *s, enum config_layer layer, const char *text, char *why,
                        size_t capacity) {
  char *end = NULL;
  switch (s->kind) {
    case SETTING_TEXT: {
      if (outranked(c, s, layer)) return CONFIG_OK;
      char *copy = strdup(text);
      if (!copy) return CONFIG_ERR_MEMORY;
      setting_clear(c, s);
      *(char **)setting_at(c, s) = copy;
      return CONFIG_OK;
    }
    case SETTING_NUMBER: {
      errno = 0;
      long long number = strtoll(text, &end, 10);
      if (errno == 0 && *text && *text != ' ' && !*end)
        return setting_assign_number(c, s, layer, number, why, capacity);
      snprintf(why, capacity, "\"%.40s\" is not a whole number", text);
      return CONFIG_ERR_VALUE;
    }
    case SETTING_SWITCH:
    case SETTING_CHOICE: {
      int index = choice_index(s->choices, text);
      if (index < 0) return refuse_choice(s, text, why, capacity);
      if (outranked(c, s, layer)) return CONFIG_OK;
      if (s->kind == SETTING_SWITCH)
        *(bool *)setting_at(c, s) = index;
      else
        *(int *)setting_at(c, s) = index;
      return CONFIG_OK;
    }
    case SETTING_LIST:
    case SETTING_SERVERS:
      return assign_joined(c, s, layer, text, why, capacity);
  }
  return CONFIG_ERR_VALUE;
}
