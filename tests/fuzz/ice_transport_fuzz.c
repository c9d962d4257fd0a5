/* tests/fuzz/ice_transport_fuzz.c: a whole transport, driven by a script of steps, each [operation][length, 2 bytes][bytes].
 *
 * A real DTLS client takes part, so that the script reaches into and beyond the handshake: its datagrams can be passed
 * on, changed, cut or lost, and once it is connected the script's bytes travel inside DTLS, to SCTP. */
#include <stdlib.h>
#include <string.h>

#include "ice/peer_transport.h"
#include "ice/srtp_session.h"
#include "tests/ice/dtls_client.h"
#include "tests/ice/stun_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BROWSER_PWD "browserpwdbrowserpwdbrowser"
#define MAX_STEPS   64

enum {
  STEP_RAW = 0,     /* bytes as a datagram of the peer             */
  STEP_STRANGER,    /* bytes as a datagram of somebody else        */
  STEP_CHECK,       /* an authentic check from address bytes[0]    */
  STEP_TIME,        /* time passes: length × 10 ms                 */
  STEP_CLIENT,      /* the DTLS client's datagrams, bytes XORed in */
  STEP_SERVER,      /* what we sent reaches the DTLS client        */
  STEP_APPLICATION, /* bytes inside DTLS                           */
  STEP_SEAL,        /* we send bytes as RTP, RTCP and a message    */
  STEP_RESTART,     /* ICE restart                                 */
  STEP_CLOSE,
  STEPS
};

struct world {
  struct peer_transport *t;
  struct peer_sender *sender;
  struct dtls_client dtls;
  struct stun_client ice;
  struct ice_address address, stranger;
  int64_t now;
  struct dtls_client_datagram queue[16];
  size_t queued;
  bool closed;
};

static struct peer_transport_context *context;
static int64_t stack_now = 1000000;

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct world *w = arg;
  if (ice_address_equal(to, &w->stranger)) abort(); /* never a byte to a stranger */
  if (w->queued == 16 || len > sizeof(w->queue[0].data) || len < 13 || data[0] < 20 || data[0] > 63) return;
  memcpy(w->queue[w->queued].data, data, len);
  w->queue[w->queued++].len = len;
}

static void on_state(void *arg, enum peer_state state, enum peer_reason reason) {
  struct world *w = arg;
  (void)reason;
  if (w->closed) abort(); /* final means final */
  w->closed = state == PEER_CLOSED;
}

static void receive(struct world *w, const struct ice_address *from, const uint8_t *data, size_t len) {
  uint8_t copy[2048];
  struct peer_packet packet;
  if (len > sizeof(copy)) len = sizeof(copy);
  memcpy(copy, data, len);
  peer_transport_receive(w->t, from, copy, len, w->now, &packet);
  if (packet.kind != PEER_PACKET_CONSUMED && (packet.len > len || from != &w->address)) abort();
  if (from == &w->stranger && packet.drop == ICE_DROP_NONE) abort();
}

static void pass_on(struct world *w, const uint8_t *mask, size_t len) {
  for (size_t i = 0; i < w->dtls.queued; i++) {
    struct dtls_client_datagram *d = &w->dtls.queue[i];
    for (size_t b = 0; b < len && b < d->len; b++)
      d->data[b] ^= mask[b];
    receive(w, &w->address, d->data, d->len);
  }
  w->dtls.queued = 0;
}

static void check(struct world *w) {
  uint8_t request[512];
  const struct stun_check_options o = {.use_candidate = true};
  receive(w, &w->address, request, stun_client_check(&w->ice, &o, request, sizeof(request)));
}

static void seal(struct world *w, const uint8_t *data, size_t len) {
  uint8_t out[2048];
  const uint8_t header[12] = {0x80, 96, 0, (uint8_t)len, 0, 0, 0, 0, 0, 0, 0, 1};
  if (len > 1200) len = 1200;
  (void)peer_transport_seal_rtp(w->t, w->sender, header, sizeof(header), data, len, out, sizeof(out));
  (void)peer_transport_seal_rtcp(w->t, data, len, out, sizeof(out));
  (void)peer_transport_send_message(w->t, 0, true, data, len, w->now);
}

static void learn(struct world *w) {
  stun_client_init(&w->ice, "browserufrag", BROWSER_PWD, peer_transport_local_ufrag(w->t),
                   peer_transport_local_pwd(w->t));
}

static void step(struct world *w, uint8_t operation, const uint8_t *bytes, size_t len) {
  switch (operation % STEPS) {
    case STEP_RAW:
      receive(w, &w->address, bytes, len);
      break;
    case STEP_STRANGER:
      receive(w, &w->stranger, bytes, len);
      break;
    case STEP_CHECK:
      if (len > 0) w->address.v4.sin_port = bytes[0];
      check(w);
      break;
    case STEP_TIME:
      w->now += (int64_t)len * 10000;
      peer_transport_tick(w->t, w->now);
      break;
    case STEP_CLIENT:
      dtls_client_run(&w->dtls);
      pass_on(w, bytes, len);
      break;
    case STEP_SERVER:
      for (size_t i = 0; i < w->queued; i++)
        dtls_client_receive(&w->dtls, w->queue[i].data, w->queue[i].len);
      w->queued = 0;
      break;
    case STEP_APPLICATION:
      if (len > 0) (void)dtls_client_send(&w->dtls, bytes, len < 1200 ? len : 1200);
      pass_on(w, NULL, 0);
      break;
    case STEP_SEAL:
      seal(w, bytes, len);
      break;
    case STEP_RESTART:
      if (peer_transport_restart_ice(w->t, "browserufrag", BROWSER_PWD, w->now) == PEER_OK) learn(w);
      break;
    default:
      peer_transport_close(w->t, w->now);
      break;
  }
}

static void begin(struct world *w, uint8_t flags) {
  const struct peer_transport_listener on = {.arg = w, .send = on_send, .state_changed = on_state};
  const struct dtls_client_options o = {.srtp_profiles = ICE_SRTP_PROFILES, .hello_padding = flags & 1 ? 1216 : 0};
  if (context == NULL && peer_transport_context_create(&context, 1795334400) != PEER_OK) abort();
  if (peer_transport_create(&w->t, context, &on, w->now) != PEER_OK || !dtls_client_init(&w->dtls, &o)) abort();
  if (peer_transport_add_sender(w->t, 1, &w->sender) != PEER_OK) abort();
  (void)ice_address_parse(&w->address, "192.0.2.1", 5);
  (void)ice_address_parse(&w->stranger, "198.51.100.1", 5);
  const struct ice_fingerprint f = dtls_client_fingerprint(&w->dtls, "sha-256");
  const struct peer_remote remote = {"browserufrag", BROWSER_PWD, &f, 1, flags & 2 ? 5000 : 0};
  if (peer_transport_set_remote(w->t, &remote, w->now) != PEER_OK) abort();
  learn(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct world w;
  if (size == 0) return 0;
  memset(&w, 0, sizeof(w));
  w.now = 1000000;
  begin(&w, data[0]);
  data++, size--;
  for (int i = 0; i < MAX_STEPS && size >= 3; i++) {
    const uint8_t operation = data[0];
    size_t len = (size_t)data[1] << 8 | data[2];
    data += 3, size -= 3;
    const bool takes_no_bytes = operation % STEPS == STEP_TIME;
    if (!takes_no_bytes && len > size) len = size;
    step(&w, operation, data, len);
    if (!takes_no_bytes) data += len, size -= len;
  }
  dtls_client_free(&w.dtls);
  peer_transport_free(w.t);
  peer_transport_context_tick(context, stack_now += 20000);
  return 0;
}
