/* Settings written back: the whole as YAML, the list of keys, and what differs between two configs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/settings.h"

static const char mask[] = "********";

static void put_quoted(const char *text, FILE *to) {
  fputc('"', to);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(to, "\\%c", c);
    else if (c < 0x20 || c == 0x7f)
      fprintf(to, "\\x%02x", c);
    else
      fputc(c, to);
  }
  fputc('"', to);
}

static void put_list(const struct config_list *list, FILE *to) {
  fputc('[', to);
  for (size_t i = 0; i < list->count; i++) {
    if (i) fputs(", ", to);
    put_quoted(list->items[i], to);
  }
  fputc(']', to);
}

static void put_servers(const struct config *c, enum config_secrets secrets, FILE *to) {
  if (c->ice_servers.count == 0) fputs("[]", to);
  for (size_t i = 0; i < c->ice_servers.count; i++) {
    const struct config_ice_server *server = &c->ice_servers.items[i];
    fputs("\n  - urls: ", to);
    put_list(&server->urls, to);
    if (server->username) {
      fputs("\n    username: ", to);
      put_quoted(server->username, to);
    }
    if (server->credential) {
      fputs("\n    credential: ", to);
      put_quoted(secrets == CONFIG_SECRETS_SHOWN ? server->credential : mask, to);
    }
  }
}

static void put_value(const struct config *c, const struct setting *s, enum config_secrets secrets, FILE *to) {
  const void *at = setting_at(c, s);
  switch (s->kind) {
    case SETTING_TEXT: {
      const char *text = *(char *const *)at;
      put_quoted((s->flags & SETTING_SECRET) && *text && secrets == CONFIG_SECRETS_MASKED ? mask : text, to);
      break;
    }
    case SETTING_LIST:
      put_list(at, to);
      break;
    case SETTING_NUMBER:
      fprintf(to, "%" PRId64, *(const int64_t *)at);
      break;
    case SETTING_SWITCH:
      fputs(*(const bool *)at ? "true" : "false", to);
      break;
    case SETTING_CHOICE:
      fputs(s->choices[*(const int *)at], to);
      break;
    case SETTING_SERVERS:
      put_servers(c, secrets, to);
      break;
  }
}

int config_print(const struct config *c, enum config_secrets secrets, FILE *to) {
  const char *section = "";
  for (size_t i = 0; i < settings_count; i++) {
    const struct setting *s = &settings[i];
    if ((s->flags & SETTING_SECRET_FILE) && secrets == CONFIG_SECRETS_SHOWN) continue;
    if (*s->section && strcmp(s->section, section) != 0) fprintf(to, "%s:\n", s->section);
    section = s->section;
    fprintf(to, "%s%s: ", *s->section ? "  " : "", s->key);
    put_value(c, s, secrets, to);
    fputc('\n', to);
  }
  return fflush(to) == 0 && !ferror(to) ? CONFIG_OK : CONFIG_ERR_FILE;
}

void config_print_keys(FILE *to) {
  static const char *const kinds[] = {"text", "list", "number", "choice", "true|false", "list of URLs"};
  char name[96];
  for (size_t i = 0; i < settings_count; i++) {
    setting_name(&settings[i], name, sizeof name);
    fprintf(to, "%-32s %-13s%s\n", name, kinds[settings[i].kind],
            settings[i].flags & SETTING_RELOAD ? "reloadable" : "");
  }
}

static bool same_list(const struct config_list *a, const struct config_list *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i], b->items[i]) != 0) return false;
  return true;
}

static bool same(const struct config *a, const struct config *b, const struct setting *s) {
  const void *left = setting_at(a, s), *right = setting_at(b, s);
  switch (s->kind) {
    case SETTING_TEXT:
      return strcmp(*(char *const *)left, *(char *const *)right) == 0;
    case SETTING_LIST:
      return same_list(left, right);
    case SETTING_NUMBER:
      return *(const int64_t *)left == *(const int64_t *)right;
    case SETTING_SWITCH:
      return *(const bool *)left == *(const bool *)right;
    case SETTING_CHOICE:
      return *(const int *)left == *(const int *)right;
    case SETTING_SERVERS:
      break;
  }
  return true; /* ice_servers are reloadable: nobody asks */
}

size_t config_difference(const struct config *old, const struct config *fresh, char *names, size_t capacity) {
  char name[96];
  size_t count = 0, length = 0;
  if (capacity > 0) *names = '\0';
  for (size_t i = 0; i < settings_count; i++) {
    if ((settings[i].flags & SETTING_RELOAD) || same(old, fresh, &settings[i])) continue;
    setting_name(&settings[i], name, sizeof name);
    if (length < capacity)
      length += (size_t)snprintf(names + length, capacity - length, "%s%s", count ? ", " : "", name);
    count++;
  }
  return count;
}
