/* bench/load/stun_client.c: see the header. */
#include "bench/load/stun_client.h"

#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>

/* RFC 8445 §5.1.2.1: type preference 126 (host), local preference 65535, component 1. */
#define CHECK_PRIORITY ((uint32_t)126 << 24 | (uint32_t)65535 << 8 | 255)

struct stun_client {
  StunAgent agent;
};

struct key {
  uint8_t bytes[256];
  size_t len;
};

static const uint16_t known_attributes[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_USERNAME,           STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    STUN_ATTRIBUTE_ERROR_CODE,     STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_PRIORITY,       STUN_ATTRIBUTE_USE_CANDIDATE,      0,
};

int stun_client_create(struct stun_client **out) {
  struct stun_client *c = calloc(1, sizeof *c);
  if (!c) return -1;
  stun_agent_init(&c->agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  *out = c;
  return 0;
}

void stun_client_free(struct stun_client *c) {
  free(c);
}

const uint8_t *stun_client_transaction(const uint8_t *message) {
  return message + 8;
}

static struct key key_of(const char *pwd) {
  struct key k = {.len = strnlen(pwd, sizeof k.bytes)};
  memcpy(k.bytes, pwd, k.len);
  return k;
}

size_t stun_client_write_check(struct stun_client *c, const char *username, const char *pwd, uint64_t tie_breaker,
                               uint8_t out[STUN_CLIENT_MESSAGE_BYTES]) {
  StunMessage m;
  if (!stun_agent_init_request(&c->agent, &m, out, STUN_CLIENT_MESSAGE_BYTES, STUN_BINDING)) return 0;
  if (stun_message_append32(&m, STUN_ATTRIBUTE_PRIORITY, CHECK_PRIORITY) != STUN_MESSAGE_RETURN_SUCCESS ||
      stun_message_append_flag(&m, STUN_ATTRIBUTE_USE_CANDIDATE) != STUN_MESSAGE_RETURN_SUCCESS ||
      stun_message_append64(&m, STUN_ATTRIBUTE_ICE_CONTROLLING, tie_breaker) != STUN_MESSAGE_RETURN_SUCCESS ||
      stun_message_append_string(&m, STUN_ATTRIBUTE_USERNAME, username) != STUN_MESSAGE_RETURN_SUCCESS) {
    return 0;
  }
  size_t len = stun_agent_finish_message(&c->agent, &m, (const uint8_t *)pwd, strlen(pwd));
  StunTransactionId id;
  stun_message_id(&m, id);
  stun_agent_forget_transaction(&c->agent, id);
  return len;
}

// NOLINTBEGIN(readability-non-const-parameter): the type is libnice's
static bool give_password(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                          uint8_t **password, size_t *password_len, void *arg) {
  struct key *k = arg;
  (void)agent, (void)message, (void)username, (void)username_len;
  *password = k->bytes;
  *password_len = k->len;
  return true;
}
// NOLINTEND(readability-non-const-parameter)

size_t stun_client_answer(struct stun_client *c, const uint8_t *data, size_t len, const char *pwd,
                          const struct sockaddr *from, socklen_t from_len, uint8_t out[STUN_CLIENT_MESSAGE_BYTES]) {
  StunMessage request, response;
  struct key key = key_of(pwd);
  if (stun_client_kind(data, len) != STUN_CLIENT_REQUEST) return 0;
  if (stun_agent_validate(&c->agent, &request, data, len, give_password, &key) != STUN_VALIDATION_SUCCESS) return 0;
  struct sockaddr_storage mapped = {0};
  memcpy(&mapped, from, from_len);
  if (!stun_agent_init_response(&c->agent, &response, out, STUN_CLIENT_MESSAGE_BYTES, &request) ||
      stun_message_append_xor_addr(&response, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &mapped, from_len) !=
          STUN_MESSAGE_RETURN_SUCCESS) {
    return 0;
  }
  return stun_agent_finish_message(&c->agent, &response, NULL, 0);
}

enum stun_client_kind stun_client_kind(const uint8_t *data, size_t len) {
  if (len < 20 || data[0] > 1) return STUN_CLIENT_OTHER;
  switch (data[0] << 8 | data[1]) {
    case 0x0001:
      return STUN_CLIENT_REQUEST;
    case 0x0101:
      return STUN_CLIENT_SUCCESS;
    case 0x0111:
      return STUN_CLIENT_ERROR;
    default:
      return STUN_CLIENT_OTHER;
  }
}

bool stun_client_verify(struct stun_client *c, const uint8_t *data, size_t len, const char *pwd) {
  StunMessage message;
  struct key key = key_of(pwd);
  StunAgentSavedIds *sent = &c->agent.sent_ids[0];
  memset(sent, 0, sizeof *sent);
  memcpy(sent->id, data + 4, sizeof sent->id); /* the caller has matched the transaction */
  sent->method = STUN_BINDING;
  sent->key = key.bytes;
  sent->key_len = key.len;
  sent->valid = true;
  StunValidationStatus status = stun_agent_validate(&c->agent, &message, data, len, NULL, NULL);
  memset(sent, 0, sizeof *sent);
  return status == STUN_VALIDATION_SUCCESS;
}
