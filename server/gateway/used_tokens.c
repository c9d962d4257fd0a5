/* The set of used jti's. */
#include "server/gateway/used_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct used {
  UT_hash_handle hh;
  int64_t expires_s;
  char jti[];
};

struct used_tokens {
  struct used *table;
};

int used_tokens_create(struct used_tokens **out) {
  struct used_tokens *u = calloc(1, sizeof *u);
  if (!u) return -1;
  *out = u;
  return 0;
}

void used_tokens_free(struct used_tokens *u) {
  if (!u) return;
  used_tokens_expire(u, INT64_MAX);
  free(u);
}

int used_tokens_add(struct used_tokens *u, const char *jti, int64_t expires_s) {
  struct used *known = NULL;
  size_t length = strlen(jti);
  HASH_FIND(hh, u->table, jti, length, known);
  if (known) return 0;
  if (HASH_COUNT(u->table) >= USED_TOKENS_MAX) return -1;
  struct used *fresh = malloc(sizeof *fresh + length + 1);
  if (!fresh) return -1;
  memcpy(fresh->jti, jti, length + 1);
  fresh->expires_s = expires_s;
  HASH_ADD(hh, u->table, jti[0], length, fresh);
  return 1;
}

void used_tokens_remove(struct used_tokens *u, const char *jti) {
  struct used *known = NULL;
  HASH_FIND(hh, u->table, jti, strlen(jti), known);
  if (!known) return;
  HASH_DEL(u->table, known);
  free(known);
}

void used_tokens_expire(struct used_tokens *u, int64_t now_s) {
  struct used *one, *next;
  HASH_ITER(hh, u->table, one, next) {
    if (one->expires_s > now_s && now_s != INT64_MAX) continue;
    HASH_DEL(u->table, one); /* NOLINT(clang-analyzer-*): uthash's last-item case confuses it */
    free(one);
  }
}

size_t used_tokens_count(const struct used_tokens *u) {
  return HASH_COUNT(u->table);
}
