/* conf/settings.h (internal): the one table of settings. The YAML schema, the environment names, `section.key=value`,
 * defaults, printing and ranges all follow from it; a new setting is a field in config.h, a row here and a paragraph in
 * consilium.yaml.
 */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "conf/config.h"

enum setting_kind {
  SETTING_TEXT,    /* char *                       */
  SETTING_LIST,    /* struct config_list           */
  SETTING_NUMBER,  /* int64_t between min and max  */
  SETTING_CHOICE,  /* an enum, by name             */
  SETTING_SWITCH,  /* bool: true or false          */
  SETTING_SERVERS, /* config.ice_servers           */
};

enum setting_flag {
  SETTING_SECRET = 1,      /* masked when printed, wiped when freed              */
  SETTING_SECRET_FILE = 2, /* its twin without `_file` takes the file's content  */
  SETTING_RELOAD = 4,      /* SIGHUP makes a new value take effect               */
};

struct setting {
  const char *section; /* "" at the top level */
  const char *key;
  size_t offset;
  const char *fallback; /* the default, as text */
  int64_t min, max;
  const char *const *choices; /* NULL-ended, in the order of the enum; for lists: the allowed items */
  enum setting_kind kind;
  unsigned flags;
};

extern const struct setting settings[];
extern const size_t settings_count;

/* The setting called `section.key` (or `key` at the top level); NULL when there is none. */
const struct setting *setting_find(const char *name);

/* Writes "section.key". */
void setting_name(const struct setting *s, char *name, size_t capacity);

/* Where the value of `s` lies in `c`. */
void *setting_at(const struct config *c, const struct setting *s);

/* Each stores a value unless a stronger layer has; the text is copied. Words about a wrong value go to `why`, without the
 * name of the setting. Return CONFIG_OK, CONFIG_ERR_VALUE or CONFIG_ERR_MEMORY. */
int setting_assign_text(struct config *c, const struct setting *s, enum config_layer layer, const char *text, char *why,
                        size_t capacity); /* any kind; lists are comma-separated */
int setting_assign_number(struct config *c, const struct setting *s, enum config_layer layer, int64_t number, char *why,
                          size_t capacity);
int setting_assign_list(struct config *c, const struct setting *s, enum config_layer layer, char *const *items,
                        size_t count, char *why, size_t capacity);
int setting_assign_servers(struct config *c, const struct setting *s, enum config_layer layer,
                           const struct config_ice_server *servers, size_t count);

/* Frees what a setting holds; secrets are wiped first. */
void setting_clear(struct config *c, const struct setting *s);

/* Which layer gave the setting its value. */
enum config_layer setting_layer(const struct config *c, const struct setting *s);

/* Overwrites memory in a way the compiler cannot leave out. */
void wipe(void *bytes, size_t length);

#endif
