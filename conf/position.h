/* conf/position.h (internal): where in a YAML text a setting stands, and whether it stands there at all.
 *
 * libcyaml tells the line of the token before the one it dislikes and cannot tell an empty list from an absent one, so the
 * text is parsed a second time into libyaml's tree, which knows both.
 */
#ifndef CONF_POSITION_H
#define CONF_POSITION_H

#include <stdbool.h>
#include <stddef.h>

struct position;

/* Parses `text`. NULL when it is not YAML (`*line` is then where, and `why` libyaml's words) or memory is out. */
struct position *position_create(const char *text, size_t length, size_t *line, char *why, size_t capacity);
void position_free(struct position *p);

/* The line (from 1) of `key` in `section` ("" = top level), the last one if it is there twice; 0 when absent. */
size_t position_line(struct position *p, const char *section, const char *key);

#endif
