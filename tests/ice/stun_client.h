/* tests/ice/stun_client.h: a full ICE agent's side of connectivity checks, as bytes, for tests. */
#ifndef TESTS_ICE_STUN_CLIENT_H
#define TESTS_ICE_STUN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stun/stunagent.h>

#include "ice/address.h"

struct stun_client {
  StunAgent agent;
  const char *ufrag, *pwd;               /* ours */
  const char *remote_ufrag, *remote_pwd; /* the server's */
};

/* Deviations from a plain check of a controlling agent. */
struct stun_check_options {
  bool use_candidate;
  bool controlled;        /* claims the wrong role            */
  uint32_t nomination;    /* 0: no NOMINATION attribute       */
  uint16_t unknown;       /* an attribute of this type, 0: no */
  bool no_fingerprint;    /* leaves FINGERPRINT out           */
  bool no_integrity;      /* leaves MESSAGE-INTEGRITY out     */
  const char *wrong_pwd;  /* signs with this instead          */
  const char *wrong_user; /* the whole USERNAME, instead      */
};

void stun_client_init(struct stun_client *c, const char *ufrag, const char *pwd, const char *remote_ufrag,
                      const char *remote_pwd);

/* Writes a Binding request; `options` may be NULL. Returns its length. */
size_t stun_client_check(struct stun_client *c, const struct stun_check_options *options, uint8_t *out, size_t cap);

/* Answers the server's check `request` as seen from `from`. Returns the length of the response, 0 when it is not authentic. */
size_t stun_client_answer(struct stun_client *c, const uint8_t *request, size_t len, const struct ice_address *from,
                          uint8_t *out, size_t cap);

/* The message class (StunClass) of a STUN datagram; and the error code of an error response, 0 if there is none. */
int stun_class_of(const uint8_t *data, size_t len);
int stun_error_of(const uint8_t *data, size_t len);

#endif
