/* ice/stun_codec.c: libnice's StunAgent in RFC 5389 mode with short-term credentials. */
#include "ice/stun_codec.h"

#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>

#define ATTRIBUTE_MESSAGE_INTEGRITY_SHA256 0x001C /* RFC 8489 §14.6; understood as "there, but SHA-1 is checked" */

/* RFC 8445 §5.1.2.1: type preference 110 (peer reflexive), local preference 65535, component 1. */
#define CHECK_PRIORITY                     ((uint32_t)110 << 24 | (uint32_t)65535 << 8 | 255)

struct ice_stun_codec {
  StunAgent agent;
};

/* What a request or response may contain below 0x8000 without being refused with 420. */
static const uint16_t known_attributes[] = {
    STUN_ATTRIBUTE_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_USERNAME,
    STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
    STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
    STUN_ATTRIBUTE_REALM,
    STUN_ATTRIBUTE_NONCE,
    STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE,
    0,
};

int ice_stun_codec_create(struct ice_stun_codec **out) {
  struct ice_stun_codec *codec = calloc(1, sizeof(*codec));
  if (codec == NULL) return -1;
  stun_agent_init(&codec->agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                  STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
  *out = codec;
  return 0;
}

void ice_stun_codec_free(struct ice_stun_codec *codec) {
  free(codec);
}

/* libnice wants keys it could write to, though it only reads them: a copy for the time of one call. */
struct key {
  uint8_t bytes[ICE_REMOTE_CHARS];
  size_t len;
};

static struct key key_of(const char *pwd) {
  struct key k = {.len = strnlen(pwd, ICE_REMOTE_CHARS)};
  memcpy(k.bytes, pwd, k.len);
  return k;
}

/* The USERNAME has been compared already: it says which password, which is what libnice asks here. */
// NOLINTBEGIN(readability-non-const-parameter): the type is libnice's
static bool give_password(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                          uint8_t **password, size_t *password_len, void *user_data) {
  struct key *k = user_data;
  (void)agent, (void)message, (void)username, (void)username_len;
  *password = k->bytes;
  *password_len = k->len;
  return true;
}
// NOLINTEND(readability-non-const-parameter)

static enum ice_drop_reason drop_of(StunValidationStatus status) {
  switch (status) {
    case STUN_VALIDATION_SUCCESS:
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE:
      return ICE_DROP_NONE;
    case STUN_VALIDATION_BAD_REQUEST:
      return ICE_DROP_STUN_FINGERPRINT;
    case STUN_VALIDATION_UNAUTHORIZED:
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
      return ICE_DROP_STUN_INTEGRITY;
    default:
      return ICE_DROP_STUN_MALFORMED;
  }
}

/* Not stun_usage_ice_conncheck_create_reply(): it changes its role on a conflict, which a lite agent may not, and repeats
 * USERNAME, which RFC 8489 §9.1.3 does not ask for and which would make answers longer than questions. */
static bool write_success(struct ice_stun_codec *codec, const StunMessage *request, StunMessage *response,
                          const struct ice_address *from, uint8_t *reply, size_t cap) {
  struct sockaddr_storage mapped = {0};
  memcpy(&mapped, from, sizeof(*from));
  return stun_agent_init_response(&codec->agent, response, reply, cap, request) &&
         stun_message_append_xor_addr(response, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &mapped, ice_address_length(from)) ==
             STUN_MESSAGE_RETURN_SUCCESS;
}

enum ice_drop_reason stun_codec_answer(struct ice_stun_codec *codec, const uint8_t *data, size_t len, const char *pwd,
                                       const struct ice_address *from, uint8_t *reply, size_t cap, size_t *reply_len) {
  StunMessage request, response;
  struct key key = key_of(pwd);
  *reply_len = 0;
  const StunValidationStatus status = stun_agent_validate(&codec->agent, &request, data, len, give_password, &key);
  if (drop_of(status) != ICE_DROP_NONE) return drop_of(status);
  if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
    *reply_len = stun_agent_build_unknown_attributes_error(&codec->agent, &response, reply, cap, &request);
    return ICE_DROP_STUN_REFUSED;
  }
  /* RFC 8445 §6.1.1: facing a lite agent the full one controls; §7.3.1.1: 487 makes it change its mind. */
  const bool conflict = stun_message_has_attribute(&request, STUN_ATTRIBUTE_ICE_CONTROLLED);
  const bool begun =
      conflict ? stun_agent_init_error(&codec->agent, &response, reply, cap, &request, STUN_ERROR_ROLE_CONFLICT)
               : write_success(codec, &request, &response, from, reply, cap);
  if (begun) *reply_len = stun_agent_finish_message(&codec->agent, &response, NULL, 0); /* keyed as the request was */
  if (*reply_len == 0) return ICE_DROP_STUN_MALFORMED;
  return conflict ? ICE_DROP_STUN_REFUSED : ICE_DROP_NONE;
}

size_t stun_codec_write_check(struct ice_stun_codec *codec, const uint8_t transaction[STUN_TRANSACTION_BYTES],
                              const char *username, const char *pwd, uint64_t tie_breaker, uint8_t *out, size_t cap) {
  StunMessage message;
  StunTransactionId id;
  if (!stun_agent_init_request(&codec->agent, &message, out, cap, STUN_BINDING)) return 0;
  memcpy(out + 8, transaction, STUN_TRANSACTION_BYTES);
  if (stun_message_append32(&message, STUN_ATTRIBUTE_PRIORITY, CHECK_PRIORITY) != STUN_MESSAGE_RETURN_SUCCESS ||
      stun_message_append64(&message, STUN_ATTRIBUTE_ICE_CONTROLLED, tie_breaker) != STUN_MESSAGE_RETURN_SUCCESS ||
      stun_message_append_string(&message, STUN_ATTRIBUTE_USERNAME, username) != STUN_MESSAGE_RETURN_SUCCESS) {
    return 0;
  }
  const size_t len = stun_agent_finish_message(&codec->agent, &message, (const uint8_t *)pwd, strlen(pwd));
  stun_message_id(&message, id);
  stun_agent_forget_transaction(&codec->agent, id);
  return len;
}

enum ice_drop_reason stun_codec_verify_response(struct ice_stun_codec *codec, const uint8_t *data, size_t len,
                                                const char *pwd) {
  StunMessage message;
  struct key key = key_of(pwd);
  StunAgentSavedIds *sent = &codec->agent.sent_ids[0];
  memset(sent, 0, sizeof(*sent));
  memcpy(sent->id, data + 4, sizeof(sent->id)); /* cookie and transaction id, which the caller has matched */
  sent->method = STUN_BINDING;
  sent->key = key.bytes;
  sent->key_len = key.len;
  sent->valid = true;
  const StunValidationStatus status = stun_agent_validate(&codec->agent, &message, data, len, NULL, NULL);
  memset(sent, 0, sizeof(*sent));
  return drop_of(status);
}
