/* The table of sessions. */
#include "server/gateway/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* 128 random bits: 22 characters of base64url. */
static int make_id(char id[SESSION_ID_BYTES]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char raw[18] = {0};
  if (getrandom(raw, 16, 0) != 16) return -1;
  size_t n = 0;
  id[n++] = 's';
  id[n++] = '_';
  for (size_t bit = 0; n < SESSION_ID_BYTES - 1; bit += 6) {
    unsigned pair = (unsigned)raw[bit / 8] << 8 | raw[bit / 8 + 1];
    id[n++] = letters[pair >> (10 - bit % 8) & 63];
  }
  id[n] = '\0';
  return 0;
}

struct session *session_table_add(struct session_table *t, const char *id) {
  struct session *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->worker = -1;
  bool ok = id ? *id && strlen(id) < sizeof s->id : make_id(s->id) == 0;
  if (ok && id) snprintf(s->id, sizeof s->id, "%s", id);
  ok = ok && getrandom(&s->origin_id, sizeof s->origin_id, 0) == sizeof s->origin_id && !session_table_find(t, s->id);
  if (!ok) {
    free(s);
    return NULL;
  }
  s->origin_id >>= 2; /* RFC 8829 §5.2.1: a 64-bit number whose highest bit is zero; some parsers want two */
  HASH_ADD_STR(t->sessions, id, s);
  return s;
}

struct session *session_table_find(const struct session_table *t, const char *id) {
  struct session *s = NULL;
  HASH_FIND_STR(t->sessions, id, s);
  return s;
}

void session_table_remove(struct session_table *t, struct session *s) {
  int64_t ids[SESSION_PENDING_MAX];
  session_pending_drop(s, ids);
  HASH_DEL(t->sessions, s); /* NOLINT(clang-analyzer-*): uthash's last-item case confuses it */
  free(s);
}

void session_table_clear(struct session_table *t) {
  struct session *s, *next;
  HASH_ITER(hh, t->sessions, s, next) session_table_remove(t, s);
}

size_t session_table_count(const struct session_table *t) {
  return HASH_COUNT(t->sessions);
}

enum signaling_error session_pending_add(struct session *s, int64_t id, enum signaling_type type,
                                         struct sdp_offer *offer) {
  size_t offers = offer ? 1 : 0;
  for (size_t i = 0; i < s->pending_count; i++)
    offers += s->pending[i].offer != NULL;
  if (s->pending_count == SESSION_PENDING_MAX || offers > SESSION_OFFERS_MAX) {
    sdp_offer_free(offer);
    return SIGNALING_BUSY;
  }
  s->pending[s->pending_count++] = (struct session_pending){id, type, offer};
  return SIGNALING_OK;
}

bool session_pending_take(struct session *s, int64_t id, struct session_pending *out) {
  for (size_t i = 0; i < s->pending_count; i++) {
    if (s->pending[i].id != id) continue;
    *out = s->pending[i];
    memmove(&s->pending[i], &s->pending[i + 1], (--s->pending_count - i) * sizeof *s->pending);
    return true;
  }
  return false;
}

size_t session_pending_drop(struct session *s, int64_t *ids) {
  size_t count = s->pending_count;
  for (size_t i = 0; i < count; i++) {
    ids[i] = s->pending[i].id;
    sdp_offer_free(s->pending[i].offer);
  }
  s->pending_count = 0;
  return count;
}
