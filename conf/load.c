/* The file layer: libcyaml with a schema made from the table of settings. Every value is loaded behind a pointer, so that
 * what the file does not mention stays NULL and keeps its value from the layer below. */
#include <cyaml/cyaml.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/position.h"
#include "conf/settings.h"

#define FILE_MAX_BYTES (1u << 20)
#define SECTIONS_MAX   16

struct slot {
  void *value;
  uint32_t count;
};

/* One section: the rows first..first+count of the table. */
struct part {
  const char *name;
  size_t first, count;
};

struct schema {
  struct part parts[SECTIONS_MAX];
  size_t count;
  cyaml_schema_field_t *fields[SECTIONS_MAX]; /* of each part; NULL for a top-level setting */
  cyaml_schema_field_t top[SECTIONS_MAX + 1];
  cyaml_schema_value_t root;
};

/* What libcyaml said while it loaded: its first line, and the key names of its backtrace, innermost first. */
struct report {
  char text[256];
  char path[2][64];
  size_t depth;
  size_t line;
};

static const cyaml_schema_value_t string_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t server_fields[] = {
    {.key = "urls",
     .data_offset = offsetof(struct config_ice_server, urls.items),
     .count_offset = offsetof(struct config_ice_server, urls.count),
     .count_size = sizeof(size_t),
     .value = {.type = CYAML_SEQUENCE,
               .flags = CYAML_FLAG_POINTER,
               .data_size = sizeof(char *),
               .sequence = {.entry = &string_entry, .min = 1, .max = 8}}},
    CYAML_FIELD_STRING_PTR("username", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_ice_server, username, 0,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("credential", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct config_ice_server, credential,
                           0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t server_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_ice_server, server_fields)};

static cyaml_schema_field_t make_field(const struct setting *s, size_t index) {
  const enum cyaml_flag flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
  cyaml_schema_field_t f = {.key = s->key, .data_offset = (uint32_t)(index * sizeof(struct slot))};
  f.count_offset = f.data_offset + (uint32_t)offsetof(struct slot, count);
  f.count_size = sizeof(uint32_t);
  f.value = (cyaml_schema_value_t){.type = CYAML_STRING, .flags = flags, .data_size = 1, .string = {0, 4096}};
  if (s->kind == SETTING_NUMBER)
    f.value = (cyaml_schema_value_t){.type = CYAML_INT, .flags = flags, .data_size = sizeof(int64_t)};
  if (s->kind == SETTING_LIST || s->kind == SETTING_SERVERS) {
    bool list = s->kind == SETTING_LIST;
    f.value = (cyaml_schema_value_t){
        .type = CYAML_SEQUENCE,
        .flags = CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL,
        .data_size = list ? sizeof(char *) : sizeof(struct config_ice_server),
        .sequence = {.entry = list ? &string_entry : &server_entry, .min = 0, .max = (uint32_t)s->max}};
  }
  return f;
}

static void schema_free(struct schema *schema) {
  for (size_t i = 0; i < schema->count; i++)
    free(schema->fields[i]);
}

static int schema_make(struct schema *schema) {
  *schema = (struct schema){0};
  for (size_t i = 0; i < settings_count; i++) {
    struct part *last = schema->count ? &schema->parts[schema->count - 1] : NULL;
    if (last && *settings[i].section && strcmp(last->name, settings[i].section) == 0)
      last->count++;
    else
      schema->parts[schema->count++] = (struct part){settings[i].section, i, 1};
  }
  for (size_t i = 0; i < schema->count; i++) {
    const struct part *part = &schema->parts[i];
    if (!*part->name) {
      schema->top[i] = make_field(&settings[part->first], i);
      continue;
    }
    if (!(schema->fields[i] = calloc(part->count + 1, sizeof *schema->fields[i]))) return CONFIG_ERR_MEMORY;
    for (size_t j = 0; j < part->count; j++)
      schema->fields[i][j] = make_field(&settings[part->first + j], j);
    /* A section whose keys are all commented out is an empty value: allowed. */
    schema->top[i] = (cyaml_schema_field_t){.key = part->name,
                                            .data_offset = (uint32_t)(i * sizeof(struct slot)),
                                            .value = {.type = CYAML_MAPPING,
                                                      .flags = CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL,
                                                      .data_size = (uint32_t)(part->count * sizeof(struct slot)),
                                                      .mapping = {.fields = schema->fields[i]}}};
  }
  schema->root = (cyaml_schema_value_t){.type = CYAML_MAPPING,
                                        .flags = CYAML_FLAG_POINTER,
                                        .data_size = (uint32_t)(schema->count * sizeof(struct slot)),
                                        .mapping = {.fields = schema->top}};
  return CONFIG_OK;
}

/* libcyaml's log is the only place where its reasons and lines are. */
__attribute__((format(printf, 3, 0))) static void listen_to_cyaml(cyaml_log_t level, void *ctx, const char *fmt,
                                                                  va_list args) {
  struct report *r = ctx;
  static const char field[] = "  in mapping field '";
  char line[256];
  (void)level;
  vsnprintf(line, sizeof line, fmt, args);
  line[strcspn(line, "\n")] = '\0';
  if (!*r->text) {
    snprintf(r->text, sizeof r->text, "%s", strncmp(line, "Load: ", 6) == 0 ? line + 6 : line);
    return;
  }
  const char *at = strstr(line, "(line: ");
  if (at && !r->line) r->line = strtoul(at + strlen("(line: "), NULL, 10);
  if (strncmp(line, field, strlen(field)) != 0 || r->depth == 2) return;
  const char *key = line + strlen(field);
  snprintf(r->path[r->depth++], sizeof r->path[0], "%.*s", (int)strcspn(key, "'"), key);
}

/* Says in our words what libcyaml refused. */
static int explain(struct report *r, struct position *p, const char *name, char message[CONFIG_MESSAGE_BYTES]) {
  static const char unexpected[] = "Unexpected key: ", twice[] = "Mapping field already seen: ",
                    number[] = "Invalid INT";
  const char *section = r->depth > 0 ? r->path[r->depth - 1] : "";
  if (strncmp(r->text, unexpected, strlen(unexpected)) == 0) {
    const char *key = r->text + strlen(unexpected);
    size_t line = position_line(p, section, key);
    snprintf(message, CONFIG_MESSAGE_BYTES, "%s:%zu: %s%s%s: no such setting", name, line ? line : r->line, section,
             *section ? "." : "", key);
    return CONFIG_ERR_KEY;
  }
  const char *key = r->depth > 1 ? r->path[r->depth - 2] : r->depth == 1 ? r->path[0] : "";
  if (r->depth < 2) section = "";
  size_t line = position_line(p, section, key);
  if (strncmp(r->text, twice, strlen(twice)) == 0)
    snprintf(r->text, sizeof r->text, "is here twice");
  else if (strncmp(r->text, number, strlen(number)) == 0)
    snprintf(r->text, sizeof r->text, "is not a whole number");
  snprintf(message, CONFIG_MESSAGE_BYTES, "%s:%zu: %s%s%s: %s", name, line ? line : (r->line ? r->line : 1), section,
           *section ? "." : "", key, r->text);
  return CONFIG_ERR_VALUE;
}

static int apply(struct config *c, const struct setting *s, const struct slot *slot, char *why, size_t capacity) {
  switch (s->kind) {
    case SETTING_NUMBER:
      return setting_assign_number(c, s, CONFIG_FILE, *(const int64_t *)slot->value, why, capacity);
    case SETTING_LIST:
      return setting_assign_list(c, s, CONFIG_FILE, slot->value, slot->count, why, capacity);
    case SETTING_SERVERS:
      return setting_assign_servers(c, s, CONFIG_FILE, slot->value, slot->count);
    case SETTING_TEXT:
    case SETTING_SWITCH:
    case SETTING_CHOICE:
      break;
  }
  return setting_assign_text(c, s, CONFIG_FILE, slot->value, why, capacity);
}

static int apply_all(struct config *c, const struct schema *schema, const struct slot *top, struct position *p,
                     const char *name, char message[CONFIG_MESSAGE_BYTES]) {
  char why[512] = "out of memory", own[96];
  for (size_t i = 0; i < schema->count; i++) {
    const struct part *part = &schema->parts[i];
    const struct slot *slots = *part->name ? top[i].value : &top[i];
    for (size_t j = 0; slots && j < part->count; j++) {
      const struct setting *s = &settings[part->first + j];
      size_t line = position_line(p, s->section, s->key);
      if (line == 0) continue;
      if (!slots[j].value && s->kind != SETTING_LIST && s->kind != SETTING_SERVERS) continue;
      int error = apply(c, s, &slots[j], why, sizeof why);
      if (error == CONFIG_OK) continue;
      setting_name(s, own, sizeof own);
      snprintf(message, CONFIG_MESSAGE_BYTES, "%s:%zu: %s: %s", name, line, own, why);
      return error;
    }
  }
  return CONFIG_OK;
}

int config_load_text(struct config *c, const char *text, size_t length, const char *name,
                     char message[CONFIG_MESSAGE_BYTES]) {
  char why[256];
  size_t line = 0;
  struct schema schema;
  struct report report = {.text = ""};
  struct slot *top = NULL;
  struct position *p = position_create(text, length, &line, why, sizeof why);
  if (!p) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "%s:%zu: %s", name, line, why);
    return CONFIG_ERR_SYNTAX;
  }
  int result = schema_make(&schema);
  const cyaml_config_t cyaml = {.log_fn = listen_to_cyaml,
                                .log_ctx = &report,
                                .mem_fn = cyaml_mem,
                                .log_level = CYAML_LOG_ERROR,
                                .flags = CYAML_CFG_NO_ALIAS};
  if (result == CONFIG_OK) {
    cyaml_err_t error =
        cyaml_load_data((const uint8_t *)text, length, &cyaml, &schema.root, (cyaml_data_t **)&top, NULL);
    if (error != CYAML_OK) {
      if (!*report.text) snprintf(report.text, sizeof report.text, "%s", cyaml_strerror(error));
      result = explain(&report, p, name, message);
    } else if (top) { /* a file of comments only loads to nothing */
      result = apply_all(c, &schema, top, p, name, message);
    }
  } else {
    snprintf(message, CONFIG_MESSAGE_BYTES, "out of memory");
  }
  if (top) cyaml_free(&cyaml, &schema.root, top, 0);
  schema_free(&schema);
  position_free(p);
  return result;
}

int config_load_file(struct config *c, const char *path, char message[CONFIG_MESSAGE_BYTES]) {
  struct stat about;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > FILE_MAX_BYTES) {
    snprintf(message, CONFIG_MESSAGE_BYTES, "%.512s: %s", path,
             fd < 0 ? "cannot be opened" : "is no regular file of at most 1 MiB");
    if (fd >= 0) close(fd);
    return CONFIG_ERR_FILE;
  }
  char *text = malloc((size_t)about.st_size + 1);
  ssize_t length = text ? pread(fd, text, (size_t)about.st_size, 0) : -1;
  close(fd);
  int result = CONFIG_ERR_FILE;
  if (length >= 0)
    result = config_load_text(c, text, (size_t)length, path, message);
  else
    snprintf(message, CONFIG_MESSAGE_BYTES, "%.512s: cannot be read", path);
  if (length > 0) wipe(text, (size_t)length);
  free(text);
  return result;
}
