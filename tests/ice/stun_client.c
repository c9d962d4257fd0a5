/* tests/ice/stun_client.c: built on libnice's STUN library; only the tests' FINGERPRINT-less agents are our own idea. */
#include "tests/ice/stun_client.h"

#include <stdio.h>
#include <string.h>
#include <stun/usages/ice.h>

void stun_client_init(struct stun_client *c, const char *ufrag, const char *pwd, const char *remote_ufrag,
                      const char *remote_pwd) {
  memset(c, 0, sizeof(*c));
  c->ufrag = ufrag;
  c->pwd = pwd;
  c->remote_ufrag = remote_ufrag;
  c->remote_pwd = remote_pwd;
  stun_agent_init(&c->agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

size_t stun_client_check(struct stun_client *c, const struct stun_check_options *options, uint8_t *out, size_t cap) {
  static const struct stun_check_options plain;
  const struct stun_check_options *o = options != NULL ? options : &plain;
  StunMessage m;
  StunTransactionId id;
  char username[600];
  snprintf(username, sizeof(username), "%s:%s", c->remote_ufrag, c->ufrag);
  StunAgent agent = c->agent;
  if (o->no_fingerprint) agent.usage_flags &= ~(unsigned)STUN_AGENT_USAGE_USE_FINGERPRINT;
  stun_agent_init_request(&agent, &m, out, cap, STUN_BINDING);
  if (o->use_candidate) stun_message_append_flag(&m, STUN_ATTRIBUTE_USE_CANDIDATE);
  stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, 1853824767);
  stun_message_append64(&m, o->controlled ? STUN_ATTRIBUTE_ICE_CONTROLLED : STUN_ATTRIBUTE_ICE_CONTROLLING, 77);
  if (o->nomination != 0) stun_message_append32(&m, STUN_ATTRIBUTE_NOMINATION, o->nomination);
  if (o->unknown != 0) stun_message_append32(&m, (StunAttribute)o->unknown, 1);
  stun_message_append_string(&m, STUN_ATTRIBUTE_USERNAME, o->wrong_user != NULL ? o->wrong_user : username);
  const char *pwd = o->wrong_pwd != NULL ? o->wrong_pwd : c->remote_pwd;
  const size_t len = stun_agent_finish_message(&agent, &m, o->no_integrity ? NULL : (const uint8_t *)pwd, strlen(pwd));
  stun_message_id(&m, id);
  stun_agent_forget_transaction(&agent, id);
  return len;
}

// NOLINTBEGIN(readability-non-const-parameter): the type is libnice's
static bool give_pwd(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                     uint8_t **password, size_t *password_len, void *user_data) {
  (void)agent, (void)message, (void)username, (void)username_len;
  const struct stun_client *c = user_data;
  static uint8_t copy[300];
  *password_len = strlen(c->pwd);
  memcpy(copy, c->pwd, *password_len);
  *password = copy;
  return true;
}
// NOLINTEND(readability-non-const-parameter)

size_t stun_client_answer(struct stun_client *c, const uint8_t *request, size_t len, const struct ice_address *from,
                          uint8_t *out, size_t cap) {
  StunMessage req, response;
  bool controlling = true;
  struct sockaddr_storage mapped = {0};
  memcpy(&mapped, from, sizeof(*from));
  if (stun_agent_validate(&c->agent, &req, request, len, give_pwd, c) != STUN_VALIDATION_SUCCESS) {
    return 0;
  }
  size_t written = cap;
  (void)stun_usage_ice_conncheck_create_reply(&c->agent, &req, &response, out, &written, &mapped,
                                              ice_address_length(from), &controlling, 77,
                                              STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  return written;
}

static void view(StunMessage *m, const uint8_t *data, size_t len) {
  static uint8_t copy[2048];
  memset(m, 0, sizeof(*m));
  m->buffer = memcpy(copy, data, len);
  m->buffer_len = len;
}

int stun_class_of(const uint8_t *data, size_t len) {
  StunMessage m;
  view(&m, data, len);
  return (int)stun_message_get_class(&m);
}

int stun_error_of(const uint8_t *data, size_t len) {
  StunMessage m;
  int code = 0;
  view(&m, data, len);
  return stun_message_find_error(&m, &code) == STUN_MESSAGE_RETURN_SUCCESS ? code : 0;
}
