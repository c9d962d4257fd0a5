/* tests/fuzz/ice_stun_fuzz.c: STUN. Even first byte: the rest is a datagram. Odd: the rest are attributes that are put into a
 * properly signed Binding request, so that what lies behind authentication is reached too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice/ice_agent.h"
#include "ice/stun_codec.h"
#include "tests/ice/rfc5769.h"
#include "tests/ice/stun_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ice_stun_codec *codec;
static size_t bytes_out;

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  (void)arg, (void)to, (void)data;
  bytes_out += len;
}

static struct ice_agent *make_agent(void) {
  static const struct ice_agent_listener on = {.send = on_send};
  struct ice_agent *agent;
  if (codec == NULL && ice_stun_codec_create(&codec) != 0) abort();
  if (ice_agent_create(&agent, codec, &on) != ICE_AGENT_OK) abort();
  if (ice_agent_set_remote(agent, "remoteufrag", "remotepwdremotepwdremotepwd") != ICE_AGENT_OK) abort();
  return agent;
}

/* Nobody who does not know the password may move anything or hear anything. */
static void raw(const struct ice_address *from, const uint8_t *data, size_t size) {
  struct ice_agent *agent = make_agent();
  uint8_t reply[ICE_MAX_REPLY_BYTES];
  size_t len;
  const char *ufrag;
  struct stun_view view;
  bytes_out = 0;
  if (ice_agent_receive(agent, from, data, size, 1000) == ICE_DROP_NONE) abort();
  if (bytes_out != 0 || ice_agent_selected(agent) != NULL) abort();
  if (ice_stun_peek_ufrag(data, size, &ufrag, &len)) {
    if (len == 0 || (const uint8_t *)ufrag < data || (const uint8_t *)ufrag + len > data + size) abort();
  }
  if (stun_view_parse(&view, data, size) == ICE_DROP_NONE) { /* the codec's contract: only what passed the view */
    if (view.class == STUN_VIEW_REQUEST && view.has_integrity && view.has_fingerprint && view.username != NULL) {
      (void)stun_codec_answer(codec, data, size, RFC5769_PASSWORD, from, reply, sizeof(reply), &len);
    }
    if (view.class >= STUN_VIEW_SUCCESS && view.has_integrity && view.has_fingerprint) {
      (void)stun_codec_verify_response(codec, data, size, RFC5769_PASSWORD);
    }
  }
  ice_agent_free(agent);
}

static void in_signed_request(const struct ice_address *from, const uint8_t *attributes, size_t size) {
  struct ice_agent *agent = make_agent();
  struct stun_client client;
  uint8_t request[1500];
  char username[64];
  StunMessage m;
  StunTransactionId id;
  if (size > 1300) size = 1300;
  stun_client_init(&client, "remoteufrag", "remotepwdremotepwdremotepwd", ice_agent_local_ufrag(agent),
                   ice_agent_local_pwd(agent));
  snprintf(username, sizeof(username), "%s:remoteufrag", ice_agent_local_ufrag(agent));
  stun_agent_init_request(&client.agent, &m, request, sizeof(request), STUN_BINDING);
  stun_message_append_string(&m, STUN_ATTRIBUTE_USERNAME, username);
  const size_t whole = size & ~(size_t)3;
  const size_t at = stun_message_length(&m);
  memcpy(request + at, attributes, whole);
  request[2] = (uint8_t)((at + whole - 20) >> 8);
  request[3] = (uint8_t)(at + whole - 20);
  const size_t len = stun_agent_finish_message(&client.agent, &m, (const uint8_t *)client.remote_pwd, ICE_PWD_CHARS);
  stun_message_id(&m, id);
  stun_agent_forget_transaction(&client.agent, id);
  bytes_out = 0;
  for (int64_t now = 1000; now < 40000000; now += 5000000) {
    (void)ice_agent_receive(agent, from, request, len, now);
    if (bytes_out > 3 * len * (size_t)(now / 5000000 + 1)) abort();
    ice_agent_tick(agent, now);
  }
  ice_agent_free(agent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ice_address from;
  if (size == 0 || !ice_address_parse(&from, data[0] & 2 ? "192.0.2.1" : "2001:db8::1", 1234)) return 0;
  if (data[0] & 1) {
    in_signed_request(&from, data + 1, size - 1);
  } else {
    raw(&from, data + 1, size - 1);
  }
  return 0;
}
