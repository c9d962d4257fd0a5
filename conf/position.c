/* Lines of settings, from libyaml's document tree. */
#include "conf/position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct position {
  yaml_document_t document;
};

struct position *position_create(const char *text, size_t length, size_t *line, char *why, size_t capacity) {
  struct position *p = calloc(1, sizeof *p);
  yaml_parser_t parser;
  *line = 1;
  snprintf(why, capacity, "out of memory");
  if (!p || !yaml_parser_initialize(&parser)) {
    free(p);
    return NULL;
  }
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  if (!yaml_parser_load(&parser, &p->document)) {
    *line = parser.problem_mark.line + 1;
    snprintf(why, capacity, "%s", parser.problem ? parser.problem : "not YAML");
    free(p);
    p = NULL;
  }
  yaml_document_t second; /* nobody would read it: its settings would be lost without a word */
  if (p && (!yaml_parser_load(&parser, &second) || yaml_document_get_root_node(&second))) {
    *line = parser.mark.line + 1;
    snprintf(why, capacity, "a second document after the first");
    if (!parser.error) yaml_document_delete(&second);
    position_free(p);
    p = NULL;
  } else if (p) {
    yaml_document_delete(&second);
  }
  yaml_parser_delete(&parser);
  return p;
}

void position_free(struct position *p) {
  if (!p) return;
  yaml_document_delete(&p->document);
  free(p);
}

static yaml_node_t *child(struct position *p, yaml_node_t *mapping, const char *key, size_t *line) {
  yaml_node_t *found = NULL;
  if (!mapping || mapping->type != YAML_MAPPING_NODE) return NULL;
  for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++) {
    yaml_node_t *name = yaml_document_get_node(&p->document, pair->key);
    if (!name || name->type != YAML_SCALAR_NODE || strcmp((const char *)name->data.scalar.value, key) != 0) continue;
    found = yaml_document_get_node(&p->document, pair->value);
    *line = name->start_mark.line + 1;
  }
  return found;
}

size_t position_line(struct position *p, const char *section, const char *key) {
  size_t line = 0;
  yaml_node_t *node = yaml_document_get_root_node(&p->document);
  if (*section) node = child(p, node, section, &line);
  line = 0;
  return child(p, node, key, &line) ? line : 0;
}
