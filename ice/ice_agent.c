/* ice/ice_agent.c: credentials, tuples, nomination and consent of one ICE-lite agent. */
#include "ice/ice_agent.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice/stun_codec.h"
#include "ice/stun_view.h"

/* RFC 8839 §5.4: "ice-ufrag = ufrag; ufrag = 4*256ice-char; password = 22*256ice-char". */
#define MIN_UFRAG_CHARS 4
#define MIN_PWD_CHARS   22

/* Our check of a new tuple is repeated with the peer's next check, but not sooner than this, and by timer (doubled each
 * time) while media waits for its answer. RFC 8445 §14.3 wants at least 500 ms for a full agent's many pairs; this is
 * one pair, and the allowance bounds it. */
#define CHECK_RTO_US    100000
#define MAX_CHECKS      7

#define NOBODY          (-1)

struct credentials {
  char ufrag[ICE_UFRAG_CHARS + 1], pwd[ICE_PWD_CHARS + 1];
  char remote_ufrag[ICE_REMOTE_CHARS + 1], remote_pwd[ICE_REMOTE_CHARS + 1];
};

struct tuple {
  struct ice_address remote; /* unset: free */
  bool proven;
  uint8_t checks_sent;     /* of ours, since it was added */
  uint32_t generation;     /* of the credentials its last check used */
  int64_t last_check_us;   /* the peer's last authenticated check */
  int64_t check_sent_us;   /* ours */
  uint64_t bytes_received; /* both feed the allowance and stop mattering once proven */
  uint64_t bytes_sent;
  uint8_t transaction[STUN_TRANSACTION_BYTES];
};

struct ice_agent {
  int selected; /* index, NOBODY */
  int pending;  /* the latest nominated tuple that has not answered yet, NOBODY */
  struct tuple tuples[ICE_MAX_TUPLES];
  struct ice_stun_codec *codec;
  struct ice_agent_listener on;
  struct credentials now;
  struct credentials *before; /* valid until the first check with `now` succeeds */
  uint32_t generation;
  enum ice_state state;
  bool restart_needed; /* consent expired: RFC 7675 §5.1 forbids these credentials from here on */
  bool has_nomination;
  uint32_t nomination; /* the highest value of the NOMINATION attribute */
  int64_t alive_us;    /* last authenticated anything */
  int64_t rtt_us;
  uint64_t tie_breaker;
};

/* --- credentials ------------------------------------------------------------------------------------------------- */

/* RFC 8839 §5.1: ice-char = ALPHA / DIGIT / "+" / "/". 64 of them: six bits each, no modulo bias. */
static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_ice_text(const char *s, size_t least) {
  if (s == NULL) return false;
  const size_t len = strnlen(s, ICE_REMOTE_CHARS + 1);
  return len >= least && len <= ICE_REMOTE_CHARS && strspn(s, ice_chars) == len;
}

static bool random_text(char *out, size_t chars) {
  unsigned char bytes[ICE_PWD_CHARS];
  if (RAND_bytes(bytes, (int)chars) != 1) return false;
  for (size_t i = 0; i < chars; i++)
    out[i] = ice_chars[bytes[i] & 63];
  out[chars] = '\0';
  OPENSSL_cleanse(bytes, sizeof(bytes));
  return true;
}

static bool credentials_make(struct credentials *c) {
  memset(c, 0, sizeof(*c));
  return random_text(c->ufrag, ICE_UFRAG_CHARS) && random_text(c->pwd, ICE_PWD_CHARS);
}

static int credentials_set_remote(struct credentials *c, const char *ufrag, const char *pwd) {
  if (!is_ice_text(ufrag, MIN_UFRAG_CHARS) || !is_ice_text(pwd, MIN_PWD_CHARS)) return ICE_AGENT_CREDENTIALS;
  memcpy(c->remote_ufrag, ufrag, strlen(ufrag) + 1);
  memcpy(c->remote_pwd, pwd, strlen(pwd) + 1);
  return ICE_AGENT_OK;
}

/* RFC 8445 §7.2.2: the peer's USERNAME is our ufrag, a colon, its own. */
static bool credentials_match(const struct credentials *c, const struct stun_view *v) {
  char expected[ICE_UFRAG_CHARS + ICE_REMOTE_CHARS + 2];
  if (c == NULL || c->remote_ufrag[0] == '\0') return false;
  const size_t len = (size_t)snprintf(expected, sizeof(expected), "%s:%s", c->ufrag, c->remote_ufrag);
  return len == v->username_len && memcmp(expected, v->username, len) == 0;
}

static void retire_before(struct ice_agent *a) {
  if (a->before == NULL) return;
  struct credentials *old = a->before;
  a->before = NULL;
  if (a->on.ufrag_retired != NULL) a->on.ufrag_retired(a->on.arg, old->ufrag);
  OPENSSL_cleanse(old, sizeof(*old));
  free(old);
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

int ice_agent_create(struct ice_agent **out, struct ice_stun_codec *codec, const struct ice_agent_listener *listener) {
  struct ice_agent *a = calloc(1, sizeof(*a));
  if (a == NULL) return ICE_AGENT_NO_MEMORY;
  if (!credentials_make(&a->now) || RAND_bytes((unsigned char *)&a->tie_breaker, sizeof(a->tie_breaker)) != 1) {
    free(a);
    return ICE_AGENT_RANDOM;
  }
  a->codec = codec;
  a->on = *listener;
  a->selected = a->pending = NOBODY;
  *out = a;
  return ICE_AGENT_OK;
}

void ice_agent_free(struct ice_agent *a) {
  if (a == NULL) return;
  if (a->before != NULL) OPENSSL_cleanse(a->before, sizeof(*a->before));
  free(a->before);
  OPENSSL_cleanse(a, sizeof(*a));
  free(a);
}

const char *ice_agent_local_ufrag(const struct ice_agent *a) {
  return a->now.ufrag;
}

const char *ice_agent_local_pwd(const struct ice_agent *a) {
  return a->now.pwd;
}

int ice_agent_set_remote(struct ice_agent *a, const char *ufrag, const char *pwd) {
  return credentials_set_remote(&a->now, ufrag, pwd);
}

int ice_agent_restart(struct ice_agent *a, const char *remote_ufrag, const char *remote_pwd) {
  struct credentials fresh;
  if (!credentials_make(&fresh)) return ICE_AGENT_RANDOM;
  const int error = credentials_set_remote(&fresh, remote_ufrag, remote_pwd);
  if (error != ICE_AGENT_OK) return error;

  if (a->before != NULL) { /* `now` was never used: it goes, and what works stays */
    if (a->on.ufrag_retired != NULL) a->on.ufrag_retired(a->on.arg, a->now.ufrag);
  } else {
    a->before = malloc(sizeof(*a->before));
    if (a->before == NULL) return ICE_AGENT_NO_MEMORY;
    *a->before = a->now;
  }
  a->now = fresh;
  OPENSSL_cleanse(&fresh, sizeof(fresh));
  a->generation++;
  if (a->restart_needed) retire_before(a); /* nothing is alive under the old ones */
  a->restart_needed = false;
  return ICE_AGENT_OK;
}

/* --- state --------------------------------------------------------------------------------------------------------- */

static void set_state(struct ice_agent *a, enum ice_state state) {
  if (a->state == state) return;
  a->state = state;
  if (a->on.state_changed != NULL) a->on.state_changed(a->on.arg, state);
}

enum ice_state ice_agent_state(const struct ice_agent *a) {
  return a->state;
}

void ice_agent_note_alive(struct ice_agent *a, int64_t now_us) {
  a->alive_us = now_us;
  if (a->state == ICE_DISCONNECTED) set_state(a, ICE_CONNECTED);
}

/* --- tuples -------------------------------------------------------------------------------------------------------- */

static int find_tuple(const struct ice_agent *a, const struct ice_address *remote) {
  for (int i = 0; i < ICE_MAX_TUPLES; i++) {
    if (ice_address_equal(&a->tuples[i].remote, remote)) return i;
  }
  return NOBODY;
}

static void remove_tuple(struct ice_agent *a, int i) {
  const struct ice_address remote = a->tuples[i].remote;
  if (a->selected == i) a->selected = NOBODY;
  if (a->pending == i) a->pending = NOBODY;
  memset(&a->tuples[i], 0, sizeof(a->tuples[i]));
  if (a->on.tuple_removed != NULL) a->on.tuple_removed(a->on.arg, &remote);
}

/* A free place, or that of the tuple checked longest ago; never the selected one's. */
static int add_tuple(struct ice_agent *a, const struct ice_address *remote) {
  int place = NOBODY;
  for (int i = 0; i < ICE_MAX_TUPLES; i++) {
    if (i == a->selected) continue;
    if (!ice_address_is_set(&a->tuples[i].remote)) {
      place = i;
      break;
    }
    if (place == NOBODY || a->tuples[i].last_check_us < a->tuples[place].last_check_us) place = i;
  }
  if (ice_address_is_set(&a->tuples[place].remote)) remove_tuple(a, place);
  a->tuples[place].remote = *remote;
  if (a->on.tuple_added != NULL) a->on.tuple_added(a->on.arg, remote);
  return place;
}

static void select_tuple(struct ice_agent *a, int i) {
  if (a->selected == i) return;
  a->selected = i;
  if (a->on.selected != NULL) a->on.selected(a->on.arg, &a->tuples[i].remote);
}

static bool spend(struct tuple *t, size_t len) {
  if (t->proven) return true;
  if (t->bytes_sent + len > ICE_UNPROVEN_FACTOR * t->bytes_received) return false;
  t->bytes_sent += len;
  return true;
}

static void send_to(struct ice_agent *a, const struct ice_address *to, const uint8_t *data, size_t len) {
  if (len > 0 && a->on.send != NULL) a->on.send(a->on.arg, to, data, len);
}

/* Sends our own check to a tuple that has not answered one. A repetition keeps its transaction (RFC 8489 §6.2.1). */
static void prove(struct ice_agent *a, struct tuple *t, int64_t now_us) {
  uint8_t request[ICE_MAX_REPLY_BYTES];
  char username[ICE_UFRAG_CHARS + ICE_REMOTE_CHARS + 2];
  const struct credentials *c = t->generation != a->generation && a->before != NULL ? a->before : &a->now;
  if (t->checks_sent == 0 && RAND_bytes(t->transaction, sizeof(t->transaction)) != 1) return;
  snprintf(username, sizeof(username), "%s:%s", c->remote_ufrag, c->ufrag);
  const size_t len = stun_codec_write_check(a->codec, t->transaction, username, c->remote_pwd, a->tie_breaker, request,
                                            sizeof(request));
  if (t->checks_sent < UINT8_MAX) t->checks_sent++; /* a try counts also when the allowance forbids it */
  t->check_sent_us = now_us;
  if (len > 0 && spend(t, len)) send_to(a, &t->remote, request, len);
}

/* When the timer repeats our check of tuple i: only while media waits for its answer. */
static int64_t prove_deadline(const struct ice_agent *a, int i) {
  const struct tuple *t = &a->tuples[i];
  if (t->proven || t->checks_sent == 0 || t->checks_sent >= MAX_CHECKS) return INT64_MAX;
  if (i != a->selected && i != a->pending) return INT64_MAX;
  return t->check_sent_us + ((int64_t)CHECK_RTO_US << (t->checks_sent - 1));
}

/* --- input --------------------------------------------------------------------------------------------------------- */

/* A NOMINATION attribute (renomination) may only rise; without it the last USE-CANDIDATE wins, which is what a
 * controlling agent facing a lite one means (RFC 8445 §8.1.1). */
static bool is_nomination(struct ice_agent *a, const struct stun_view *v) {
  if (!v->use_candidate) return false;
  if (!v->has_nomination) return true;
  if (a->has_nomination && v->nomination < a->nomination) return false;
  a->has_nomination = true;
  a->nomination = v->nomination;
  return true;
}

static void nominate(struct ice_agent *a, int i) {
  if (a->tuples[i].proven) {
    a->pending = NOBODY;
    select_tuple(a, i);
  } else {
    a->pending = i;
  }
}

static enum ice_drop_reason take_request(struct ice_agent *a, const struct ice_address *from, const struct stun_view *v,
                                         const uint8_t *data, size_t len, int64_t now_us) {
  if (v->username == NULL || !v->has_integrity) return ICE_DROP_STUN_INTEGRITY;
  const bool current = credentials_match(&a->now, v);
  if (!current && !credentials_match(a->before, v)) return ICE_DROP_STUN_USERNAME;
  if (a->restart_needed) return ICE_DROP_CLOSED;

  uint8_t reply[ICE_MAX_REPLY_BYTES];
  size_t reply_len;
  const struct credentials *c = current ? &a->now : a->before;
  const enum ice_drop_reason drop =
      stun_codec_answer(a->codec, data, len, c->pwd, from, reply, sizeof(reply), &reply_len);
  if (drop == ICE_DROP_STUN_REFUSED) send_to(a, from, reply, reply_len);
  if (drop != ICE_DROP_NONE) return drop;

  if (current && a->before != NULL) {
    retire_before(a);
    a->has_nomination = false; /* the peer counts afresh */
  }
  int i = find_tuple(a, from);
  if (i == NOBODY) i = add_tuple(a, from);
  struct tuple *t = &a->tuples[i];
  t->generation = current ? a->generation : a->generation - 1;
  t->last_check_us = now_us;
  t->bytes_received += len;
  if (spend(t, reply_len)) send_to(a, from, reply, reply_len);
  if (!t->proven && (t->checks_sent == 0 || now_us - t->check_sent_us >= CHECK_RTO_US)) prove(a, t, now_us);

  a->alive_us = now_us;
  if (a->selected == NOBODY) select_tuple(a, i);
  if (is_nomination(a, v)) nominate(a, i);
  set_state(a, ICE_CONNECTED);
  return ICE_DROP_NONE;
}

static enum ice_drop_reason take_response(struct ice_agent *a, const struct ice_address *from,
                                          const struct stun_view *v, const uint8_t *data, size_t len, int64_t now_us) {
  const int i = find_tuple(a, from);
  if (i == NOBODY) return ICE_DROP_STUN_UNMATCHED;
  struct tuple *t = &a->tuples[i];
  if (t->proven || t->checks_sent == 0 || memcmp(t->transaction, v->transaction, sizeof(t->transaction)) != 0) {
    return ICE_DROP_STUN_UNMATCHED;
  }
  if (v->class != STUN_VIEW_SUCCESS) return ICE_DROP_STUN_REFUSED;
  if (!v->has_integrity) return ICE_DROP_STUN_INTEGRITY;
  enum ice_drop_reason drop = stun_codec_verify_response(a->codec, data, len, a->now.remote_pwd);
  if (drop == ICE_DROP_STUN_INTEGRITY && a->before != NULL) {
    drop = stun_codec_verify_response(a->codec, data, len, a->before->remote_pwd);
  }
  if (drop != ICE_DROP_NONE) return drop;

  t->proven = true;
  const int64_t rtt_us = t->checks_sent == 1 ? now_us - t->check_sent_us : 0; /* Karn: a repeated one tells nothing */
  if (rtt_us > 0) a->rtt_us = rtt_us;
  ice_agent_note_alive(a, now_us);
  if (a->pending == i) nominate(a, i);
  if (a->on.proven != NULL) a->on.proven(a->on.arg, from, rtt_us);
  return ICE_DROP_NONE;
}

__attribute__((cold, noinline)) enum ice_drop_reason ice_agent_receive(struct ice_agent *a,
                                                                       const struct ice_address *from,
                                                                       const uint8_t *data, size_t len,
                                                                       int64_t now_us) {
  struct stun_view v;
  if (!ice_address_is_set(from)) return ICE_DROP_STUN_MALFORMED;
  const enum ice_drop_reason drop = stun_view_parse(&v, data, len);
  if (drop != ICE_DROP_NONE) return drop;
  if (v.class == STUN_VIEW_INDICATION) return ICE_DROP_STUN_INDICATION;
  if (!v.has_fingerprint) return ICE_DROP_STUN_FINGERPRINT;
  return v.class == STUN_VIEW_REQUEST ? take_request(a, from, &v, data, len, now_us)
                                      : take_response(a, from, &v, data, len, now_us);
}

bool ice_agent_accepts(struct ice_agent *a, const struct ice_address *from, size_t len) {
  int i = a->selected; /* nearly always */
  if (i == NOBODY || !ice_address_equal(&a->tuples[i].remote, from)) {
    i = ice_address_is_set(from) ? find_tuple(a, from) : NOBODY;
    if (i == NOBODY) return false;
  }
  a->tuples[i].bytes_received += len;
  return true;
}

/* --- output ---------------------------------------------------------------------------------------------------------- */

const struct ice_address *ice_agent_selected(const struct ice_agent *a) {
  return a->selected == NOBODY ? NULL : &a->tuples[a->selected].remote;
}

bool ice_agent_may_send(struct ice_agent *a, size_t len) {
  return a->selected != NOBODY && spend(&a->tuples[a->selected], len);
}

bool ice_agent_selected_proven(const struct ice_agent *a) {
  return a->selected != NOBODY && a->tuples[a->selected].proven;
}

int64_t ice_agent_rtt_us(const struct ice_agent *a) {
  return a->rtt_us;
}

size_t ice_agent_tuples(const struct ice_agent *a, struct ice_address *out, size_t max) {
  size_t n = 0;
  for (int i = 0; i < ICE_MAX_TUPLES && n < max; i++) {
    if (ice_address_is_set(&a->tuples[i].remote)) out[n++] = a->tuples[i].remote;
  }
  return n;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

int64_t ice_agent_deadline(const struct ice_agent *a) {
  int64_t deadline = INT64_MAX;
  for (int i = 0; i < ICE_MAX_TUPLES; i++) {
    if (!ice_address_is_set(&a->tuples[i].remote)) continue;
    const int64_t expiry = a->tuples[i].last_check_us + ICE_CONSENT_TIMEOUT_US;
    const int64_t check = prove_deadline(a, i);
    if (expiry < deadline) deadline = expiry;
    if (check < deadline) deadline = check;
  }
  if (a->state == ICE_CONNECTED && a->alive_us + ICE_DISCONNECTED_US < deadline) {
    deadline = a->alive_us + ICE_DISCONNECTED_US;
  }
  return deadline;
}

static void lose_consent(struct ice_agent *a) {
  a->restart_needed = true;
  for (int i = 0; i < ICE_MAX_TUPLES; i++) {
    if (ice_address_is_set(&a->tuples[i].remote)) remove_tuple(a, i);
  }
  set_state(a, ICE_FAILED);
}

void ice_agent_tick(struct ice_agent *a, int64_t now_us) {
  if (a->selected != NOBODY && now_us - a->tuples[a->selected].last_check_us >= ICE_CONSENT_TIMEOUT_US) {
    lose_consent(a);
    return;
  }
  for (int i = 0; i < ICE_MAX_TUPLES; i++) {
    struct tuple *t = &a->tuples[i];
    if (!ice_address_is_set(&t->remote)) continue;
    if (now_us - t->last_check_us >= ICE_CONSENT_TIMEOUT_US) {
      remove_tuple(a, i);
    } else if (now_us >= prove_deadline(a, i)) {
      prove(a, t, now_us);
    }
  }
  if (a->state == ICE_CONNECTED && now_us - a->alive_us >= ICE_DISCONNECTED_US) set_state(a, ICE_DISCONNECTED);
}
