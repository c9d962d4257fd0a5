/* signaling/json_limits.c: measures a JSON text before jansson may build it. */
#include "signaling/json_limits.h"

#include <stdbool.h>
#include <string.h>

/* One pass over the bytes: depth and number of values, without caring whether the text is JSON at all; strings are only
 * skipped. Jansson refuses whatever this misreads. */
static int scan(const char *text, size_t len) {
  int depth = 0;
  size_t values = 1;
  bool in_string = false;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > JSON_LIMITS_DEPTH) return JSON_LIMITS_TOO_DEEP;
      values++;
    } else if (c == '}' || c == ']') {
      depth--;
    } else if (c == ',') {
      values++;
    }
    if (values > JSON_LIMITS_VALUES) return JSON_LIMITS_TOO_MANY;
  }
  return 0;
}

static int from_jansson(const json_error_t *error) {
  switch (json_error_code(error)) {
    case json_error_out_of_memory:
      return JSON_LIMITS_NO_MEMORY;
    case json_error_duplicate_key:
      return JSON_LIMITS_DUPLICATE;
    case json_error_stack_overflow:
      return JSON_LIMITS_TOO_DEEP;
    default:
      return JSON_LIMITS_SYNTAX;
  }
}

int json_limits_parse(const char *text, size_t len, size_t max_bytes, json_t **out) {
  if (len > max_bytes) return JSON_LIMITS_TOO_LARGE;
  int measured = scan(text, len);
  if (measured) return measured;
  json_error_t error;
  /* RFC 8259 §4: "When the names within an object are not unique, the behavior of software that receives such an object
   * is unpredictable." JSON_DECODE_ANY tells "no object" from "no JSON". */
  json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  if (!root) return from_jansson(&error);
  if (!json_is_object(root)) {
    json_decref(root);
    return JSON_LIMITS_NOT_OBJECT;
  }
  *out = root;
  return 0;
}

int json_limits_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value)) return -1;
  int64_t number = json_integer_value(value);
  if (number < min || number > max) return -1;
  *out = number;
  return 0;
}

const char *json_limits_error_name(int error) {
  static const char *const names[] = {"ok",     "too_large", "too_deep",   "too_many",
                                      "syntax", "duplicate", "not_object", "no_memory"};
  return error <= 0 && -error < (int)(sizeof(names) / sizeof(*names)) ? names[-error] : "unknown";
}
