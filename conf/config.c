/* A config's life, and the two layers above the file: environment and command line. */
#include "conf/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf/settings.h"

#define PREFIX "CONSILIUM_"

int config_create(struct config **out) {
  char why[128];
  struct config *c = calloc(1, sizeof *c);
  if (!c || !(c->layers = calloc(settings_count, 1))) {
    free(c);
    return CONFIG_ERR_MEMORY;
  }
  for (size_t i = 0; i < settings_count; i++) {
    if (setting_assign_text(c, &settings[i], CONFIG_DEFAULT, settings[i].fallback, why, sizeof why) != CONFIG_OK) {
      config_free(c);
      return CONFIG_ERR_MEMORY; /* the defaults themselves are tested */
    }
  }
  *out = c;
  return CONFIG_OK;
}

void config_free(struct config *c) {
  if (!c) return;
  for (size_t i = 0; i < settings_count; i++)
    setting_clear(c, &settings[i]);
  free(c->layers);
  free(c);
}

/* CONSILIUM_HTTP_LISTEN for http.listen. */
static void environment_name(const struct setting *s, char *name, size_t capacity) {
  int n = snprintf(name, capacity, PREFIX "%s%s%s", s->section, *s->section ? "_" : "", s->key);
  for (int i = 0; i < n; i++)
    name[i] = (char)toupper((unsigned char)name[i]);
}

static bool names_section(const char *name, size_t length) {
  char own[96];
  for (size_t i = 0; i < settings_count; i++) {
    int n = snprintf(own, sizeof own, PREFIX "%s_", settings[i].section);
    for (int j = 0; j < n; j++)
      own[j] = (char)toupper((unsigned char)own[j]);
    if (*settings[i].section && length > (size_t)n && strncmp(own, name, (size_t)n) == 0) return true;
  }
  return false;
}

int config_load_environment(struct config *c, char *const *environment, char message[CONFIG_MESSAGE_BYTES]) {
  char own[96], why[512];
  for (; *environment; environment++) {
    const char *equals = strchr(*environment, '=');
    if (!equals || strncmp(*environment, PREFIX, strlen(PREFIX)) != 0) continue;
    size_t length = (size_t)(equals - *environment);
    const struct setting *s = NULL;
    for (size_t i = 0; i < settings_count && !s; i++) {
      environment_name(&settings[i], own, sizeof own);
      if (strlen(own) == length && strncmp(own, *environment, length) == 0) s = &settings[i];
    }
    if (!s && !names_section(*environment, length)) continue;
    int error = CONFIG_ERR_KEY;
    snprintf(why, sizeof why, "no such setting");
    if (s) error = setting_assign_text(c, s, CONFIG_ENVIRONMENT, equals + 1, why, sizeof why);
    if (error != CONFIG_OK) {
      snprintf(message, CONFIG_MESSAGE_BYTES, "environment %.*s: %s", (int)(length > 80 ? 80 : length), *environment,
               error == CONFIG_ERR_MEMORY ? "out of memory" : why);
      return error;
    }
  }
  return CONFIG_OK;
}

int config_set(struct config *c, const char *assignment, char message[CONFIG_MESSAGE_BYTES]) {
  char name[96], why[512];
  const char *equals = strchr(assignment, '=');
  if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof name) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "\"%.80s\": write section.key=value", assignment);
    return CONFIG_ERR_SYNTAX;
  }
  memcpy(name, assignment, (size_t)(equals - assignment));
  name[equals - assignment] = '\0';
  const struct setting *s = setting_find(name);
  if (!s) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "%s: no such setting", name);
    return CONFIG_ERR_KEY;
  }
  int error = setting_assign_text(c, s, CONFIG_FLAG, equals + 1, why, sizeof why);
  if (error != CONFIG_OK)
    snprintf(message, CONFIG_MESSAGE_BYTES, "%s: %s", name, error == CONFIG_ERR_MEMORY ? "out of memory" : why);
  return error;
}
